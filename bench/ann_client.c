/*-------------------------------------------------------------------------
 * ann_client.c
 *	  Client of bench-ann: loads, searches and upserts over libpq, in binary.
 *
 * usage: ann_client load TABLE VECTORS DIM [FROM TO]
 *			copies the rows from FROM (0) up to, but not including, TO (all)
 *		  ann_client search TABLE VECTORS DIM name=value ...
 *			queries=FILE truth=FILE	queries, and their exact answers
 *			operator=<->			distance operator
 *			filter=none				category or price: see ann_data.h
 *			setting=NAME values=1,2	a sweep of one setting
 *			clients=1 passes=3 limit=10
 *			first=0					number of queries to use; 0: all
 *		  ann_client upsert TABLE VECTORS DIM name=value ...
 *			pool=FILE from=0 count=N	new vectors, in order; after the last
 *										one, means of two vectors of the pool
 *			batch=1000 new=0.5 seed=1	rows per statement, share of new keys
 *		  ann_client insert TABLE VECTORS DIM name=value ...
 *			clients=1 seconds=5		how many at once, and for how long
 *			batch=1 from=0			rows per transaction; first id
 *
 * The environment says which server to connect to.  VECTORS is the file of
 * the vectors in the table: search checks results with it, upsert changes and
 * extends it.
 *
 * insert adds rows with the vectors of the file, repeatedly, and prints rows
 * per second.  search prints a line for each value of the setting: the value,
 * recall@limit, the median, least and largest number of queries per second of
 * the passes after a warm-up, and the mean latency in microseconds.  A result
 * is right if its true distance is not above that of the limit-th nearest
 * row, so that ties count.
 *-------------------------------------------------------------------------
 */
#include "ann_data.h"

#include <arpa/inet.h>
#include <libpq-fe.h>
#include <pthread.h>

#define MAX_VALUES	64
#define MAX_CLIENTS 16
#define MAX_PASSES	15
#define MAX_LIMIT	100

/* Return the value of a name=value argument. */
static const char *
option(int argc, char **argv, const char *name, const char *otherwise)
{
	size_t		length = strlen(name);

	for (int i = 0; i < argc; i++)
	{
		if (strncmp(argv[i], name, length) == 0 && argv[i][length] == '=')
			return argv[i] + length + 1;
	}
	if (otherwise == NULL)
		DIE("%s= is missing", name);
	return otherwise;
}

static PGconn *
connect_or_die(void)
{
	PGconn	   *conn = PQconnectdb("");

	if (PQstatus(conn) != CONNECTION_OK)
		DIE("%s", PQerrorMessage(conn));
	return conn;
}

static void
expect(PGconn *conn, PGresult *result, ExecStatusType wanted)
{
	if (PQresultStatus(result) != wanted)
		DIE("%s", PQerrorMessage(conn));
	PQclear(result);
}

static void
command(PGconn *conn, const char *sql)
{
	expect(conn, PQexec(conn, sql), PGRES_COMMAND_OK);
}

/* Each of these writes a big-endian number and returns the end. */
static char *
put16(char *p, uint16_t n)
{
	n = htons(n);
	memcpy(p, &n, sizeof(n));
	return p + sizeof(n);
}

static char *
put32(char *p, uint32_t n)
{
	n = htonl(n);
	memcpy(p, &n, sizeof(n));
	return p + sizeof(n);
}

static char *
put_double(char *p, double x)
{
	uint64_t	bits;

	memcpy(&bits, &x, sizeof(bits));
	return put32(put32(p, (uint32_t) (bits >> 32)), (uint32_t) bits);
}

#define VECTOR_BYTES(dim) (4 + 4 * (size_t) (dim))

static char *
put_vector(char *p, int dim, const float *x)
{
	p = put16(put16(p, (uint16_t) dim), 0);
	for (int i = 0; i < dim; i++)
	{
		uint32_t	bits;

		memcpy(&bits, &x[i], sizeof(bits));
		p = put32(p, bits);
	}
	return p;
}

static void
load(const char *table, const char *path, int dim, int64_t from, int64_t to)
{
	Vectors		v = vectors_open(path, dim, false);
	PGconn	   *conn = connect_or_die();
	char	   *row = malloc(64 + VECTOR_BYTES(dim));
	char		sql[512];

	if (to < 0 || to > v.count)
		to = v.count;
	snprintf(sql, sizeof(sql), "COPY %s (id, category, price, embedding) FROM STDIN (FORMAT binary)", table);
	expect(conn, PQexec(conn, sql), PGRES_COPY_IN);
	if (PQputCopyData(conn, "PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0", 19) != 1)
		DIE("%s", PQerrorMessage(conn));
	for (int64_t id = from; id < to; id++)
	{
		char	   *p = put16(row, 4);

		p = put32(put32(p, 4), (uint32_t) id);
		p = put32(put32(p, 4), (uint32_t) row_category(id));
		p = put_double(put32(p, 8), row_price(id));
		p = put_vector(put32(p, (uint32_t) VECTOR_BYTES(dim)), dim, vector_at(&v, id));
		if (PQputCopyData(conn, row, (int) (p - row)) != 1)
			DIE("%s", PQerrorMessage(conn));
	}
	if (PQputCopyData(conn, "\377\377", 2) != 1 || PQputCopyEnd(conn, NULL) != 1)
		DIE("%s", PQerrorMessage(conn));
	expect(conn, PQgetResult(conn), PGRES_COMMAND_OK);
	PQfinish(conn);
	free(row);
}

typedef struct Search
{
	Vectors		vectors;
	Vectors		queries;
	const double *kth;			/* squared distance of the limit-th nearest */
	int64_t		nqueries;		/* how many to use */
	int			limit;
	char		sql[1024];
} Search;

typedef struct Client
{
	const Search *search;
	PGconn	   *conn;
	int			number;
	int64_t		right;			/* right results of the last pass */
} Client;

/* Return how many of the rows are right results. */
static int64_t
judge(const Search *s, int64_t query, PGresult *result)
{
	double		bound = s->kth[query] * (1 + 1e-6) + 1e-9;
	const float *x = vector_at(&s->queries, query);
	int64_t		right = 0;

	for (int i = 0; i < PQntuples(result); i++)
	{
		uint32_t	id;

		memcpy(&id, PQgetvalue(result, i, 0), sizeof(id));
		right += exact_distance(s->vectors.dim, x, vector_at(&s->vectors, ntohl(id))) <= bound;
	}
	return right;
}

/* Run all queries once, from a start that differs between clients. */
static void *
pass(void *arg)
{
	Client	   *client = arg;
	const Search *s = client->search;
	int			dim = s->queries.dim;
	char	   *parameter = malloc(VECTOR_BYTES(dim));
	const char *values[1] = {parameter};
	int			lengths[1] = {(int) VECTOR_BYTES(dim)};
	int			formats[1] = {1};

	client->right = 0;
	for (int64_t i = 0; i < s->nqueries; i++)
	{
		int64_t		query = (i + client->number * 397) % s->nqueries;
		PGresult   *result;

		put_vector(parameter, dim, vector_at(&s->queries, query));
		result = PQexecPrepared(client->conn, "q", 1, values, lengths, formats, 1);
		if (PQresultStatus(result) != PGRES_TUPLES_OK)
			DIE("%s", PQerrorMessage(client->conn));
		client->right += judge(s, query, result);
		PQclear(result);
	}
	free(parameter);
	return NULL;
}

/* Run one pass of each client at the same time; return the seconds. */
static double
passes_at_once(Client *clients, int count)
{
	pthread_t	threads[MAX_CLIENTS];
	double		start = now();

	for (int i = 1; i < count; i++)
		pthread_create(&threads[i], NULL, pass, &clients[i]);
	pass(&clients[0]);
	for (int i = 1; i < count; i++)
		pthread_join(threads[i], NULL);
	return now() - start;
}

static int
compare_doubles(const void *a, const void *b)
{
	double		left = *(const double *) a;
	double		right = *(const double *) b;

	return (left > right) - (left < right);
}

static void
measure(Client *clients, int nclients, int passes, const char *value)
{
	const Search *s = clients[0].search;
	double		qps[MAX_PASSES];
	double		recall;

	passes_at_once(clients, nclients);
	recall = (double) clients[0].right / (double) (s->nqueries * s->limit);
	for (int i = 0; i < passes; i++)
		qps[i] = (double) (s->nqueries * nclients) / passes_at_once(clients, nclients);
	qsort(qps, passes, sizeof(double), compare_doubles);
	printf("%s\t%.4f\t%.1f\t%.1f\t%.1f\t%.0f\n", value, recall, qps[passes / 2], qps[0], qps[passes - 1],
		   1e6 * nclients / qps[passes / 2]);
	fflush(stdout);
}

/* Return the SQL of a filter. */
static const char *
filter_sql(const char *filter)
{
	if (strcmp(filter, "category") == 0)
		return "WHERE category = 7";
	if (strcmp(filter, "price") == 0)
		return "WHERE price < 0.1";
	return "";
}

static void
search(const char *table, const char *path, int dim, int argc, char **argv)
{
	const char *setting = option(argc, argv, "setting", "");
	char	   *values = strdup(option(argc, argv, "values", "-"));
	const char *filter = option(argc, argv, "filter", "none");
	int			nclients = atoi(option(argc, argv, "clients", "1"));
	int			passes = atoi(option(argc, argv, "passes", "3"));
	int64_t		first = atoll(option(argc, argv, "first", "0"));
	Vectors		kth = vectors_open(option(argc, argv, "truth", NULL), 2, false);
	Client		clients[MAX_CLIENTS];
	Search		s;

	if (nclients < 1 || nclients > MAX_CLIENTS || passes < 1 || passes > MAX_PASSES)
		DIE("too many or too few clients or passes");
	s.vectors = vectors_open(path, dim, false);
	s.queries = vectors_open(option(argc, argv, "queries", NULL), dim, false);
	s.kth = (const double *) kth.x;
	s.nqueries = first > 0 && first < s.queries.count ? first : s.queries.count;
	s.limit = atoi(option(argc, argv, "limit", "10"));
	if (kth.count != s.queries.count)
		DIE("the truth is of other queries");
	snprintf(s.sql, sizeof(s.sql), "SELECT id FROM %s %s ORDER BY embedding %s $1 LIMIT %d", table,
			 filter_sql(filter), option(argc, argv, "operator", "<->"), s.limit);

	for (int i = 0; i < nclients; i++)
	{
		clients[i] = (Client) {&s, connect_or_die(), i, 0};
		expect(clients[i].conn, PQprepare(clients[i].conn, "q", s.sql, 0, NULL), PGRES_COMMAND_OK);
	}
	for (char *value = strtok(values, ","); value != NULL; value = strtok(NULL, ","))
	{
		char		sql[256];

		snprintf(sql, sizeof(sql), "SET %s = %s", setting, value);
		for (int i = 0; i < nclients && *setting != '\0'; i++)
			command(clients[i].conn, sql);
		measure(clients, nclients, passes, value);
	}
	for (int i = 0; i < nclients; i++)
		PQfinish(clients[i].conn);
	free(values);
}

typedef struct Upsert
{
	Vectors		vectors;
	Vectors		pool;
	int64_t		next;			/* next vector of the pool */
	int64_t		new_id;
	int64_t		existing;		/* ids below this exist */
	double		share_new;
	uint64_t	random;
} Upsert;

/* Make the next new vector: one of the pool, or the mean of two of them. */
static void
next_vector(Upsert *u, float *x)
{
	int			dim = u->pool.dim;

	if (u->next < u->pool.count)
		memcpy(x, vector_at(&u->pool, u->next), sizeof(float) * dim);
	else
	{
		const float *a = vector_at(&u->pool, random_below(&u->random, u->pool.count));
		const float *b = vector_at(&u->pool, random_below(&u->random, u->pool.count));

		for (int i = 0; i < dim; i++)
			x[i] = a[i] + b[i];
		normalize(dim, x);
	}
	u->next++;
}

/* Prepare INSERT ... VALUES of a batch with ON CONFLICT DO UPDATE, as "u". */
static void
prepare_upsert(PGconn *conn, const char *table, int batch)
{
	size_t		size = 1024 + 64 * (size_t) batch;
	char	   *sql = malloc(size);
	char	   *p = sql + snprintf(sql, size, "INSERT INTO %s (id, category, price, embedding) VALUES ", table);

	for (int i = 0; i < batch; i++)
		p += sprintf(p, "%s($%d::int,$%d::int,$%d::float8,$%d)", i > 0 ? "," : "",
					 4 * i + 1, 4 * i + 2, 4 * i + 3, 4 * i + 4);
	sprintf(p, " ON CONFLICT (id) DO UPDATE SET category = excluded.category, price = excluded.price,"
			" embedding = excluded.embedding");
	expect(conn, PQprepare(conn, "u", sql, 0, NULL), PGRES_COMMAND_OK);
	free(sql);
}

/* Upsert a batch in one statement; no id occurs twice in it. */
static void
upsert_batch(PGconn *conn, Upsert *u, int batch, bool *used)
{
	int			dim = u->pool.dim;
	size_t		stride = 16 + VECTOR_BYTES(dim);
	char	   *buffer = malloc(stride * batch);
	const char **values = malloc(sizeof(char *) * 4 * batch);
	int		   *lengths = malloc(sizeof(int) * 4 * batch);
	int		   *formats = malloc(sizeof(int) * 4 * batch);
	int64_t    *ids = malloc(sizeof(int64_t) * batch);

	for (int i = 0; i < batch; i++)
	{
		char	   *p = buffer + stride * i;
		int64_t		id;

		if (random_unit(&u->random) < u->share_new)
			id = u->new_id++;
		else
		{
			do
				id = random_below(&u->random, u->existing);
			while (used[id]);
			used[id] = true;
		}
		ids[i] = id;
		next_vector(u, vector_at(&u->vectors, id));
		put_vector(put_double(put32(put32(p, (uint32_t) id), (uint32_t) row_category(id)), row_price(id)), dim,
				   vector_at(&u->vectors, id));
		for (int c = 0; c < 4; c++)
		{
			static const int offsets[] = {0, 4, 8, 16};

			values[4 * i + c] = p + offsets[c];
			lengths[4 * i + c] = c < 3 ? offsets[c + 1] - offsets[c] : (int) VECTOR_BYTES(dim);
			formats[4 * i + c] = 1;
		}
	}
	expect(conn, PQexecPrepared(conn, "u", 4 * batch, values, lengths, formats, 1), PGRES_COMMAND_OK);
	for (int i = 0; i < batch; i++)
	{
		if (ids[i] < u->existing)
			used[ids[i]] = false;
	}
	free(buffer);
	free(values);
	free(lengths);
	free(formats);
	free(ids);
}

static void
upsert(const char *table, const char *path, int dim, int argc, char **argv)
{
	int			batch = atoi(option(argc, argv, "batch", "1000"));
	int64_t		count = atoll(option(argc, argv, "count", NULL));
	Upsert		u;
	PGconn	   *conn = connect_or_die();
	bool	   *used;
	double		seconds = 0;

	if (batch < 1 || batch > 16000)
		DIE("a batch has 1 to 16000 rows");
	u.pool = vectors_open(option(argc, argv, "pool", NULL), dim, false);
	u.vectors = vectors_open(path, dim, false);
	u.existing = u.new_id = u.vectors.count;
	munmap(u.vectors.x, sizeof(float) * dim * u.vectors.count);
	if (truncate(path, (off_t) (sizeof(float) * dim * (u.existing + count))) != 0)
		DIE("cannot extend %s", path);
	u.vectors = vectors_open(path, dim, true);
	u.next = atoll(option(argc, argv, "from", "0"));
	u.share_new = atof(option(argc, argv, "new", "0.5"));
	u.random = (uint64_t) atoll(option(argc, argv, "seed", "1"));
	used = calloc(u.existing, sizeof(bool));

	prepare_upsert(conn, table, batch);
	for (int64_t done = 0; done + batch <= count; done += batch)
	{
		double		start = now();

		upsert_batch(conn, &u, batch, used);
		seconds += now() - start;
	}
	if (truncate(path, (off_t) (sizeof(float) * dim * u.new_id)) != 0)
		DIE("cannot truncate %s", path);
	printf("%.1f\n", (double) (count / batch * batch) / seconds);
	PQfinish(conn);
	free(used);
}

typedef struct Inserter
{
	Vectors		vectors;
	PGconn	   *conn;
	int			batch;
	int64_t		next;			/* next id, far from those of other clients */
	int64_t		rows;
	double		until;
} Inserter;

/* Insert a batch in one statement, in the order of the ids. */
static void
insert_batch(Inserter *client)
{
	int			dim = client->vectors.dim;
	size_t		stride = 16 + VECTOR_BYTES(dim);
	char	   *buffer = malloc(stride * client->batch);
	const char **values = malloc(sizeof(char *) * 4 * client->batch);
	int		   *lengths = malloc(sizeof(int) * 4 * client->batch);
	int		   *formats = malloc(sizeof(int) * 4 * client->batch);

	for (int i = 0; i < client->batch; i++)
	{
		static const int offsets[] = {0, 4, 8, 16};
		int64_t		id = client->next++;
		char	   *p = buffer + stride * i;

		put_vector(put_double(put32(put32(p, (uint32_t) id), (uint32_t) row_category(id)), row_price(id)), dim,
				   vector_at(&client->vectors, id % client->vectors.count));
		for (int c = 0; c < 4; c++)
		{
			values[4 * i + c] = p + offsets[c];
			lengths[4 * i + c] = c < 3 ? offsets[c + 1] - offsets[c] : (int) VECTOR_BYTES(dim);
			formats[4 * i + c] = 1;
		}
	}
	expect(client->conn, PQexecPrepared(client->conn, "u", 4 * client->batch, values, lengths, formats, 1),
		   PGRES_COMMAND_OK);
	client->rows += client->batch;
	free(buffer);
	free(values);
	free(lengths);
	free(formats);
}

static void *
insert_until(void *arg)
{
	Inserter   *client = arg;

	while (now() < client->until)
		insert_batch(client);
	return NULL;
}

static void
insert(const char *table, const char *path, int dim, int argc, char **argv)
{
	int			nclients = atoi(option(argc, argv, "clients", "1"));
	double		seconds = atof(option(argc, argv, "seconds", "5"));
	int64_t		from = atoll(option(argc, argv, "from", "0"));
	Inserter	clients[MAX_CLIENTS] = {0};
	pthread_t	threads[MAX_CLIENTS];
	int64_t		rows = 0;
	double		start;

	if (nclients < 1 || nclients > MAX_CLIENTS)
		DIE("too many or too few clients");
	for (int i = 0; i < nclients; i++)
	{
		clients[i].vectors = vectors_open(path, dim, false);
		clients[i].conn = connect_or_die();
		clients[i].batch = atoi(option(argc, argv, "batch", "1"));
		clients[i].next = from + i * (int64_t) 10000000;
		prepare_upsert(clients[i].conn, table, clients[i].batch);
		insert_batch(&clients[i]);
		clients[i].rows = 0;
	}
	start = now();
	for (int i = 0; i < nclients; i++)
	{
		clients[i].until = start + seconds;
		pthread_create(&threads[i], NULL, insert_until, &clients[i]);
	}
	for (int i = 0; i < nclients; i++)
	{
		pthread_join(threads[i], NULL);
		rows += clients[i].rows;
		PQfinish(clients[i].conn);
	}
	printf("%.1f\n", (double) rows / (now() - start));
}

int
main(int argc, char **argv)
{
	if (argc < 5)
		DIE("usage: see the head of bench/ann_client.c");
	if (strcmp(argv[1], "load") == 0)
		load(argv[2], argv[3], atoi(argv[4]), argc > 5 ? atoll(argv[5]) : 0, argc > 6 ? atoll(argv[6]) : -1);
	else if (strcmp(argv[1], "search") == 0)
		search(argv[2], argv[3], atoi(argv[4]), argc - 5, argv + 5);
	else if (strcmp(argv[1], "upsert") == 0)
		upsert(argv[2], argv[3], atoi(argv[4]), argc - 5, argv + 5);
	else if (strcmp(argv[1], "insert") == 0)
		insert(argv[2], argv[3], atoi(argv[4]), argc - 5, argv + 5);
	else
		DIE("no command %s", argv[1]);
	return 0;
}
