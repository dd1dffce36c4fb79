// Types over pgx: text and binary parameters and results, COPY, arrays.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"reflect"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/pgvector/pgvector-go"
	pgxvec "github.com/pgvector/pgvector-go/pgx"
)

var count, failed int

func ok(condition bool, format string, args ...any) {
	count++
	word := "ok"
	if !condition {
		failed++
		word = "not ok"
	}
	fmt.Printf("%s %d - %s\n", word, count, fmt.Sprintf(format, args...))
}

func equal(got, wanted any, format string, args ...any) {
	same := reflect.DeepEqual(got, wanted)
	ok(same, format, args...)
	if !same {
		fmt.Printf("# got    %v\n# wanted %v\n", got, wanted)
	}
}

// check ends the test if there is an error, since the rest depends on the result.
func check(err error) {
	if err != nil {
		fmt.Printf("Bail out! %v\n", err)
		os.Exit(1)
	}
}

func sqlstate(err error) string {
	var pgErr *pgconn.PgError
	if errors.As(err, &pgErr) {
		return pgErr.Code
	}
	return fmt.Sprint(err)
}

// roundTrip writes value and reads it in the given format of the results.
func roundTrip[T any](ctx context.Context, conn *pgx.Conn, typeName string, value T, text string) {
	query := fmt.Sprintf("SELECT $1::%s, $1::%s::text", typeName, typeName)
	for format, name := range map[int16]string{pgx.TextFormatCode: "text", pgx.BinaryFormatCode: "binary"} {
		var got T
		var printed string
		err := conn.QueryRow(ctx, query, pgx.QueryResultFormats{format, pgx.TextFormatCode}, value).Scan(&got, &printed)
		check(err)
		equal(got, value, "%s written as binary, read as %s", typeName, name)
		equal(printed, text, "%s printed by the server", typeName)
	}
	var got T
	var printed string
	check(conn.QueryRow(ctx, query, pgx.QueryExecModeSimpleProtocol, value).Scan(&got, &printed))
	equal(got, value, "%s written and read as text, simple protocol", typeName)
	equal(printed, text, "%s printed by the server", typeName)
}

func tables(ctx context.Context, conn *pgx.Conn) {
	exec := func(sql string, args ...any) {
		_, err := conn.Exec(ctx, sql, args...)
		check(err)
	}
	exec("CREATE TABLE items (id int PRIMARY KEY, v vector(100), h halfvec(100), s sparsevec(100))")
	var rows [][]any
	for i := 0; i < 1000; i++ {
		x := make([]float32, 100)
		for j := range x {
			x[j] = float32((i*i+j*j*7+i*j)%2047-1023) / 64
		}
		rows = append(rows, []any{int32(i), pgvector.NewVector(x), pgvector.NewHalfVector(x), pgvector.NewSparseVector(x)})
	}
	copied, err := conn.CopyFrom(ctx, pgx.Identifier{"items"}, []string{"id", "v", "h", "s"}, pgx.CopyFromRows(rows))
	check(err)
	equal(copied, int64(1000), "1000 rows by COPY BINARY")

	result, err := conn.Query(ctx, "SELECT id, v, h, s FROM items ORDER BY id")
	check(err)
	same := 0
	for i := 0; result.Next(); i++ {
		var id int32
		var v pgvector.Vector
		var h pgvector.HalfVector
		var s pgvector.SparseVector
		check(result.Scan(&id, &v, &h, &s))
		if reflect.DeepEqual([]any{id, v, h, s}, rows[i]) {
			same++
		}
	}
	check(result.Err())
	equal(same, 1000, "and read back")

	for _, q := range []struct {
		column, operator string
		value            any
	}{{"v", "<->", rows[7][1]}, {"h", "<=>", rows[7][2]}, {"s", "<+>", rows[7][3]}} {
		var id int32
		check(conn.QueryRow(ctx, fmt.Sprintf("SELECT id FROM items ORDER BY %s %s $1 LIMIT 1", q.column, q.operator), q.value).Scan(&id))
		equal(id, int32(7), "nearest by %s with a parameter", q.operator)
	}

	exec("INSERT INTO items VALUES (1000, NULL, NULL, NULL)")
	var null *pgvector.Vector
	check(conn.QueryRow(ctx, "SELECT v FROM items WHERE id = 1000").Scan(&null))
	ok(null == nil, "NULL")

	_, err = conn.Exec(ctx, "INSERT INTO items (id, v) VALUES (-1, $1)", pgvector.NewVector([]float32{1, 2}))
	equal(sqlstate(err), "22000", "other dimensions are refused")

	array := []pgvector.Vector{pgvector.NewVector([]float32{1, 2}), pgvector.NewVector([]float32{3})}
	var got []pgvector.Vector
	check(conn.QueryRow(ctx, "SELECT $1::vector[]", array).Scan(&got))
	equal(got, array, "an array written and read")
}

// documents returns the columns of rows from..to-1 of the upsert scenario.
func documents(from, to, seed int) (ids []int64, embeddings []pgvector.Vector, numbers []int32, titles []string,
	counts []int32, bodies []string) {
	for id := from; id < to; id++ {
		x := make([]float32, 8)
		for j := range x {
			x[j] = float32((id*7919+seed*1299709)%(2003+2*j)-1000) / 64
		}
		ids = append(ids, int64(id))
		embeddings = append(embeddings, pgvector.NewVector(x))
		numbers = append(numbers, int32(id*7%1000))
		titles = append(titles, fmt.Sprintf("title %d, \"quoted\"", id))
		counts = append(counts, int32(id%13))
		bodies = append(bodies, strings.Repeat("dy", id%3000))
	}
	return
}

// scenario: upsert, upsert again with half of the keys new, flush, count, search, flush.
func scenario(ctx context.Context, conn *pgx.Conn) {
	upsert := func(from, to, seed int) (result [2]int64) {
		ids, embeddings, numbers, titles, counts, bodies := documents(from, to, seed)
		check(conn.QueryRow(ctx, `SELECT inserted, replaced FROM vecstore.upsert_columns('documents',
			ARRAY['id', 'embedding', 'number', 'title', 'count', 'body'],
			$1::bigint[], $2::vector[], $3::int[], $4::text[], $5::int[], $6::text[])`,
			ids, embeddings, numbers, titles, counts, bodies).Scan(&result[0], &result[1]))
		return
	}
	flush := func() (sealed int64) {
		check(conn.QueryRow(ctx, "SELECT rows_sealed FROM vecstore.flush('documents')").Scan(&sealed))
		return
	}

	equal(upsert(0, 3000, 1), [2]int64{3000, 0}, "3,000 new documents")
	equal(upsert(1500, 4500, 2), [2]int64{1500, 1500}, "3,000 documents, half of them known")
	_, embeddings, _, _, _, bodies := documents(2000, 2001, 2)
	for _, state := range []string{"before", "after"} {
		rows, err := conn.Query(ctx, "SELECT id, embedding, body FROM documents ORDER BY embedding <-> $1 LIMIT 10", embeddings[0])
		check(err)
		type document struct {
			ID        int64
			Embedding pgvector.Vector
			Body      string
		}
		got, err := pgx.CollectRows(rows, pgx.RowToStructByPos[document])
		check(err)
		equal(len(got), 10, "10 documents %s the flush", state)
		equal(got[0], document{2000, embeddings[0], bodies[0]}, "a replaced document is found %s the flush", state)
		if state == "before" {
			ok(flush() >= 4500, "flush seals what was upserted")
		}
	}
	equal(flush(), int64(0), "a second flush has nothing to seal")
	var count int64
	check(conn.QueryRow(ctx, "SELECT count(*) FROM documents").Scan(&count))
	equal(count, int64(4500), "the documents count")
}

func main() {
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, "")
	check(err)
	defer conn.Close(ctx)
	check(pgxvec.RegisterTypes(ctx, conn))

	x := []float32{1, -2.5, 0.015625}
	roundTrip(ctx, conn, "vector", pgvector.NewVector(x), "[1,-2.5,0.015625]")
	roundTrip(ctx, conn, "halfvec", pgvector.NewHalfVector(x), "[1,-2.5,0.015625]")
	roundTrip(ctx, conn, "sparsevec", pgvector.NewSparseVector([]float32{0.5, 0, -2, 0, 0}), "{1:0.5,3:-2}/5")
	roundTrip(ctx, conn, "sparsevec", pgvector.NewSparseVectorFromMap(map[int32]float32{999999999: 1}, 1000000000),
		"{1000000000:1}/1000000000")

	bits := pgtype.Bits{Bytes: []byte{0b10100000}, Len: 3, Valid: true}
	var distance float64
	check(conn.QueryRow(ctx, "SELECT $1::bit(3) <~> B'100'", bits).Scan(&distance))
	equal(distance, 1.0, "Hamming distance of a bit parameter")

	tables(ctx, conn)
	scenario(ctx, conn)
	fmt.Printf("1..%d\n", count)
	if failed > 0 {
		os.Exit(1)
	}
}
