/*-------------------------------------------------------------------------
 * sql_piece.h
 *	  Pieces of SQL that a caller gives as text.
 *
 * create_collection and create_partition put their arguments into a statement.
 * Each piece is parsed by itself first, with the server's own grammar, and must
 * be exactly one item of the expected kind.  Then it cannot end the clause that
 * it is put into, whatever characters it has.  In the statement a line break
 * must follow a piece, because the piece may end with a comment.
 *
 * Names in a piece are resolved when the statement runs, by the caller's
 * search_path.  A piece of another kind is ERRCODE_SYNTAX_ERROR.
 *-------------------------------------------------------------------------
 */
#ifndef VS_SQL_PIECE_H
#define VS_SQL_PIECE_H

#include "postgres.h"

#include "lib/stringinfo.h"
#include "nodes/parsenodes.h"

/* A piece, its name in messages, and a hint about what to write. */
typedef struct SqlPiece
{
	const char *what;
	const char *text;
	const char *hint;
} SqlPiece;

/*
 * Splits "name" or "schema.name", as regclass reads it, and cuts long
 * identifiers with the server's NOTICE.  Without a schema, *schema becomes
 * NULL.
 */
extern void vs_api_piece_name(const SqlPiece *piece, char **schema, char **name);

/*
 * A column's name, quoted.  The name is taken as it is.  Errors: it is empty,
 * or so long that the server would cut it; the message begins with 'what'.
 */
extern const char *vs_api_piece_column_name(const char *what, const char *name);

/* One type name, without SETOF. */
extern TypeName *vs_api_piece_type(const SqlPiece *piece);

/* One expression. */
extern void vs_api_piece_expression(const SqlPiece *piece);

/*
 * The definition that follows a column's name: a type, NOT NULL and DEFAULT.
 * Returns the type.
 */
extern TypeName *vs_api_piece_column(const SqlPiece *piece);

/*
 * Appends the columns of a JSON object, a definition for each name, each after
 * a comma (sql_fields.c).
 */
extern void vs_api_piece_fields(StringInfo sql, text *fields);

/* The clause that follows PARTITION BY. */
extern PartitionSpec *vs_api_piece_partition_by(const SqlPiece *piece);

/*
 * Bounds of a partition, with or without FOR VALUES.  Returns the clause that
 * follows PARTITION OF in a statement.
 */
extern const char *vs_api_piece_bounds(const SqlPiece *piece);

#endif							/* VS_SQL_PIECE_H */
