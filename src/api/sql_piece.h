/*-------------------------------------------------------------------------
 * sql_piece.h
 *	  Pieces of SQL that a caller gives as text.
 *
 * create_collection and create_partition put their arguments into a statement.
 * Each piece is parsed by itself first, with the server's own grammar, and must
 * be one thing of the expected kind and nothing more.  Then it cannot end the
 * place it is put into, whatever characters it has.  In the statement a line
 * break must follow a piece, since it may end with a comment.
 *
 * Names in a piece are resolved where the statement runs: they mean what they
 * mean to the caller.
 *-------------------------------------------------------------------------
 */
#ifndef VS_SQL_PIECE_H
#define VS_SQL_PIECE_H

#include "postgres.h"

#include "lib/stringinfo.h"
#include "nodes/parsenodes.h"

/* A piece, how messages name it, and a hint that says what to write. */
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
 * A column's name, quoted.  It is taken as it is; an empty one is refused, and
 * one that the server would cut.  "what" begins the message.
 */
extern const char *vs_api_piece_column_name(const char *what, const char *name);

/* One type name, without SETOF. */
extern TypeName *vs_api_piece_type(const SqlPiece *piece);

/* One expression. */
extern void vs_api_piece_expression(const SqlPiece *piece);

/* What follows a column's name: a type, NOT NULL and DEFAULT.  Returns the type. */
extern TypeName *vs_api_piece_column(const SqlPiece *piece);

/*
 * Appends the columns of a JSON object, a definition for each name, each
 * after a comma (sql_fields.c).
 */
extern void vs_api_piece_fields(StringInfo sql, text *fields);

/* What follows PARTITION BY. */
extern PartitionSpec *vs_api_piece_partition_by(const SqlPiece *piece);

/*
 * Bounds of a partition, where FOR VALUES may be left out.  Returns what
 * follows PARTITION OF in a statement.
 */
extern const char *vs_api_piece_bounds(const SqlPiece *piece);

#endif							/* VS_SQL_PIECE_H */
