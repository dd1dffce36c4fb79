/*-------------------------------------------------------------------------
 * sql_piece.c
 *	  Pieces of SQL that a caller gives as text; see sql_piece.h.
 *
 * A piece that the grammar does not take by itself is parsed inside a CREATE
 * TABLE statement.  The parsed statement must then have nothing but the piece:
 * a piece that ends its clause early shows as another clause, another column
 * or another statement.
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "mb/pg_wchar.h"
#include "nodes/makefuncs.h"
#include "parser/parser.h"
#include "parser/scansup.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "api/api_internal.h"
#include "api/sql_piece.h"
#include "compat/compat.h"

/* Room for two quoted identifiers with some quotes in them. */
#define MAX_NAME_BYTES (4 * NAMEDATALEN)

pg_noreturn static void
refuse(const SqlPiece *piece, const char *problem)
{
	ereport(ERROR,
			(errcode(ERRCODE_SYNTAX_ERROR),
			 errmsg("%s: \"%s\" %s", piece->what, vs_api_clip(piece->text), problem),
			 errhint("%s", piece->hint)));
}

/* ---- names ---- */

void
vs_api_piece_name(const SqlPiece *piece, char **schema, char **name)
{
	Datum	   *parts;
	int			count;
	int			i;

	if (strlen(piece->text) > MAX_NAME_BYTES)
		ereport(ERROR,
				(errcode(ERRCODE_NAME_TOO_LONG),
				 errmsg("%s: \"%s\" is too long", piece->what, vs_api_clip(piece->text))));
	deconstruct_array(DatumGetArrayTypeP(DirectFunctionCall2(
						  parse_ident, CStringGetTextDatum(piece->text), BoolGetDatum(true))),
					  TEXTOID, -1, false, TYPALIGN_INT, &parts, NULL, &count);
	if (count > 2)
		ereport(ERROR,
				(errcode(ERRCODE_SYNTAX_ERROR),
				 errmsg("improper name \"%s\": a table has a name and a schema",
						vs_api_clip(piece->text))));
	*schema = NULL;
	for (i = 0; i < count; i++)
	{
		*name = TextDatumGetCString(parts[i]);
		truncate_identifier(*name, strlen(*name), true);
		if (i < count - 1)
			*schema = *name;
	}
}

/* ---- parsing ---- */

/*
 * Turns an error of the parser into one about the piece: the message names the
 * piece, and the cursor is within its text.  The parser set a position in the
 * text that it parsed, and an outer SPI has taken that for a position of its
 * own.
 */
pg_noreturn static void
rethrow_for_piece(const SqlPiece *piece, int offset)
{
	ErrorData  *error = CopyErrorData();
	int			chars = pg_mbstrlen(piece->text);
	int			position = Max(error->cursorpos, error->internalpos);
	const char *message = error->message;

	FlushErrorState();
	if (position > 0)
	{
		position -= offset;
		/* The parser may have met what we put behind the piece. */
		if (position > chars && error->sqlerrcode == ERRCODE_SYNTAX_ERROR)
			message = "syntax error at end of input";
		error->message = psprintf("%s: %s", piece->what, vs_api_clip(message));
		if (!error->hint)
			error->hint = pstrdup(piece->hint);
		error->cursorpos = 0;
		error->internalpos = chars <= VS_API_CLIP_CHARS ? position : 0;
		error->internalquery = chars <= VS_API_CLIP_CHARS ? pstrdup(piece->text) : NULL;
	}
	ReThrowError(error);
}

/* Parses "before", the piece, a line break and "after".  "before" is ASCII. */
static List *
parse_within(const SqlPiece *piece, const char *before, const char *after, RawParseMode mode)
{
	MemoryContext mcxt = CurrentMemoryContext;
	List	   *result = NIL;

	PG_TRY();
	{
		result = raw_parser(psprintf("%s%s\n%s", before, piece->text, after), mode);
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(mcxt);
		rethrow_for_piece(piece, strlen(before));
	}
	PG_END_TRY();
	return result;
}

/* The same for text that must be one CREATE TABLE statement, no semicolon. */
static CreateStmt *
parse_create(const SqlPiece *piece, const char *before, const char *after, const char *problem)
{
	List	   *list = parse_within(piece, before, after, RAW_PARSE_DEFAULT);
	RawStmt    *raw = list == NIL ? NULL : linitial_node(RawStmt, list);

	if (list_length(list) != 1 || raw->stmt_len != 0 || !IsA(raw->stmt, CreateStmt))
		refuse(piece, problem);
	return (CreateStmt *) raw->stmt;
}

TypeName *
vs_api_piece_type(const SqlPiece *piece)
{
	TypeName   *type = linitial_node(TypeName, parse_within(piece, "", "", RAW_PARSE_TYPE_NAME));

	if (type->setof)
		refuse(piece, "is not a type name");
	return type;
}

void
vs_api_piece_expression(const SqlPiece *piece)
{
	RawStmt    *raw = linitial_node(RawStmt, parse_within(piece, "", "", RAW_PARSE_PLPGSQL_EXPR));
	SelectStmt *select = castNode(SelectStmt, raw->stmt);
	SelectStmt *expected = makeNode(SelectStmt);

	expected->targetList = select->targetList;
	if (list_length(select->targetList) != 1 || !equal(select, expected) ||
		linitial_node(ResTarget, select->targetList)->name != NULL)
		refuse(piece, "is not an expression");
}

TypeName *
vs_api_piece_column(const SqlPiece *piece)
{
	const char *problem = "is not a type with NOT NULL and DEFAULT";
	CreateStmt *create = parse_create(piece, "CREATE TABLE f (f ", ")", problem);
	CreateStmt *expected = makeNode(CreateStmt);
	ColumnDef  *column = makeNode(ColumnDef);
	ColumnDef  *given;
	ListCell   *lc;

	if (list_length(create->tableElts) != 1 || !IsA(linitial(create->tableElts), ColumnDef))
		refuse(piece, problem);
	given = linitial_node(ColumnDef, create->tableElts);
	column->colname = given->colname;
	column->typeName = given->typeName;
	column->is_local = true;
	column->constraints = given->constraints;
	expected->relation = create->relation;
	expected->tableElts = list_make1(column);
	if (given->typeName->setof || !equal(create, expected))
		refuse(piece, problem);
	foreach(lc, given->constraints)
	{
		Constraint *constraint = lfirst_node(Constraint, lc);

		if (constraint->contype != CONSTR_DEFAULT && constraint->contype != CONSTR_NOTNULL)
			refuse(piece, problem);
	}
	return given->typeName;
}

PartitionSpec *
vs_api_piece_partition_by(const SqlPiece *piece)
{
	const char *problem = "is not a list of fields to partition by";
	CreateStmt *create = parse_create(piece, "CREATE TABLE f () PARTITION BY ", "", problem);
	CreateStmt *expected = makeNode(CreateStmt);
	ListCell   *lc;

	expected->relation = create->relation;
	expected->partspec = create->partspec;
	if (!equal(create, expected))
		refuse(piece, problem);
	foreach(lc, create->partspec->partParams)
	{
		if (lfirst_node(PartitionElem, lc)->name == NULL)
			refuse(piece, problem);
	}
	return create->partspec;
}

/* Whether the text begins with that word, in any case. */
static bool
begins_with(const char *text, const char *word)
{
	while (scanner_isspace(*text))
		text++;
	return pg_strncasecmp(text, word, strlen(word)) == 0;
}

const char *
vs_api_piece_bounds(const SqlPiece *piece)
{
	const char *problem = "is not the bounds of a partition";
	const char *prefix =
		begins_with(piece->text, "default") || begins_with(piece->text, "for") ? "" : "FOR VALUES ";
	CreateStmt *create = parse_create(piece, psprintf("CREATE TABLE f PARTITION OF f %s", prefix),
									  "", problem);
	CreateStmt *expected = makeNode(CreateStmt);

	expected->relation = create->relation;
	expected->inhRelations = create->inhRelations;
	expected->partbound = create->partbound;
	if (create->partbound == NULL || !equal(create, expected))
		refuse(piece, problem);
	return psprintf("%s%s", prefix, piece->text);
}
