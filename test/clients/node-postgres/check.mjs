// Types over node-postgres: text by pgvector's package, binary by this test.  The
// driver sends a Buffer as a binary parameter, but decodes every result as UTF-8.
// So binary results are read as bytea from the send function of the type.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import pg from 'pg';
import pgvector from 'pgvector/pg';
import { SparseVector } from 'pgvector';

const client = new pg.Client();

// The binary form of vector: int16 dimensions, int16 0, float4 elements
function vectorToBuffer(x) {
  const buffer = Buffer.alloc(4 + 4 * x.length);
  buffer.writeInt16BE(x.length, 0);
  x.forEach((value, i) => buffer.writeFloatBE(value, 4 + 4 * i));
  return buffer;
}

function vectorFromBuffer(buffer) {
  assert.equal(buffer.length, 4 + 4 * buffer.readInt16BE(0));
  assert.equal(buffer.readInt16BE(2), 0);
  return Array.from({ length: buffer.readInt16BE(0) }, (_, i) => buffer.readFloatBE(4 + 4 * i));
}

// The binary form of sparsevec: int32 dimensions, elements, 0; indices; values
function sparseToBuffer(dimensions, elements) {
  const entries = Object.entries(elements).map(([index, value]) => [Number(index), value]);
  const buffer = Buffer.alloc(12 + 8 * entries.length);
  buffer.writeInt32BE(dimensions, 0);
  buffer.writeInt32BE(entries.length, 4);
  entries.forEach(([index, value], i) => {
    buffer.writeInt32BE(index, 12 + 4 * i);
    buffer.writeFloatBE(value, 12 + 4 * (entries.length + i));
  });
  return buffer;
}

// Sends the binary form of a value; returns the binary form and the text of the reply
async function roundTrip(type, buffer) {
  const { rows } = await client.query(`SELECT ${type}_send($1) AS sent, ($1::${type})::text AS printed`, [buffer]);
  return rows[0];
}

await client.connect();
await pgvector.registerTypes(client);

test('vector as text', async () => {
  const x = [1, -2.5, 0.015625];
  const { rows } = await client.query('SELECT $1::vector AS v, $1::vector::text AS t', [pgvector.toSql(x)]);
  assert.deepEqual(rows, [{ v: x, t: '[1,-2.5,0.015625]' }]);
});

test('halfvec as text', async () => {
  const x = [1, -2.5, 65504];
  const { rows } = await client.query('SELECT $1::halfvec AS v', [pgvector.toSql(x)]);
  assert.deepEqual(rows, [{ v: x }]);
});

test('sparsevec as text', async () => {
  const x = new SparseVector([0.5, 0, 2, 0, 0]);
  const { rows } = await client.query('SELECT $1::sparsevec AS v, $1::sparsevec::text AS t', [x]);
  assert.deepEqual(rows[0].v.toArray(), [0.5, 0, 2, 0, 0]);
  assert.equal(rows[0].t, '{1:0.5,3:2}/5');
});

test('bit as text', async () => {
  const { rows } = await client.query("SELECT $1::bit(3) AS b, $1::bit(3) <~> B'100' AS h", ['101']);
  assert.deepEqual(rows, [{ b: '101', h: 1 }]);
});

test('vector as binary', async () => {
  const x = [1, -2.5, 0.015625];
  const { sent, printed } = await roundTrip('vector', vectorToBuffer(x));
  assert.deepEqual(vectorFromBuffer(sent), x);
  assert.equal(printed, '[1,-2.5,0.015625]');
});

test('halfvec as binary', async () => {
  // 1, -2 and 0.5 as IEEE half
  const buffer = Buffer.from([0, 3, 0, 0, 0x3c, 0, 0xc0, 0, 0x38, 0]);
  assert.deepEqual(await roundTrip('halfvec', buffer), { sent: buffer, printed: '[1,-2,0.5]' });
});

test('sparsevec as binary', async () => {
  const buffer = sparseToBuffer(5, { 0: 0.5, 2: 2 });
  assert.deepEqual(await roundTrip('sparsevec', buffer), { sent: buffer, printed: '{1:0.5,3:2}/5' });
});

test('a table, its NULLs and its nearest rows', async () => {
  await client.query('CREATE TABLE items (id int PRIMARY KEY, v vector(3), s sparsevec(3))');
  const insert = 'INSERT INTO items VALUES ($1, $2, $3)';
  await client.query(insert, [1, pgvector.toSql([1, 1, 1]), new SparseVector([1, 0, 1])]);
  await client.query(insert, [2, vectorToBuffer([2, 2, 2]), sparseToBuffer(3, { 1: 2 })]);
  await client.query(insert, [3, null, null]);
  for (const parameter of [pgvector.toSql([2, 2, 3]), vectorToBuffer([2, 2, 3])]) {
    const { rows } = await client.query('SELECT id, v FROM items ORDER BY v <-> $1', [parameter]);
    assert.deepEqual(rows, [{ id: 2, v: [2, 2, 2] }, { id: 1, v: [1, 1, 1] }, { id: 3, v: null }]);
  }
});

// The documents of the upsert scenario by column
function documents(from, to, seed) {
  const ids = Array.from({ length: to - from }, (_, i) => from + i);
  return {
    id: ids,
    embedding: ids.map((id) => Array.from({ length: 8 }, (_, j) => ((id * 7919 + seed * 1299709) % (2003 + 2 * j) - 1000) / 64)),
    number: ids.map((id) => (id * 7) % 1000),
    title: ids.map((id) => `title ${id}, "quoted"`),
    count: ids.map((id) => id % 13),
    body: ids.map((id) => 'dy'.repeat(id % 3000)),
  };
}

async function upsertColumns(columns) {
  const { rows } = await client.query(
    `SELECT inserted::int, replaced::int FROM vecstore.upsert_columns('documents', $1,
      $2::bigint[], $3::vector[], $4::int[], $5::text[], $6::int[], $7::text[])`,
    [Object.keys(columns), columns.id, columns.embedding.map((x) => pgvector.toSql(x)), columns.number,
      columns.title, columns.count, columns.body]);
  return rows[0];
}

async function upsertRows(columns) {
  const objects = columns.id.map((_, i) => Object.fromEntries(Object.entries(columns).map(([name, values]) => [name, values[i]])));
  const { rows } = await client.query(
    "SELECT inserted::int, replaced::int FROM vecstore.upsert('documents', $1)", [JSON.stringify(objects)]);
  return rows[0];
}

for (const upsert of [upsertColumns, upsertRows]) {
  test(`scenario with ${upsert.name}`, async () => {
    const flush = async () => (await client.query("SELECT rows_sealed::int FROM vecstore.flush('documents')")).rows;
    const second = documents(1500, 4500, 2);
    await client.query('TRUNCATE documents');
    assert.deepEqual(await upsert(documents(0, 3000, 1)), { inserted: 3000, replaced: 0 });
    assert.deepEqual(await upsert(second), { inserted: 1500, replaced: 1500 });
    for (const state of ['before', 'after']) {
      const { rows } = await client.query('SELECT id::int, embedding, body FROM documents ORDER BY embedding <-> $1 LIMIT 10',
        [pgvector.toSql(second.embedding[500])]);
      assert.equal(rows.length, 10);
      assert.deepEqual(rows[0], { id: 2000, embedding: second.embedding[500], body: second.body[500] }, state);
      if (state === 'before') {
        const [{ rows_sealed: sealed }] = await flush();
        assert.ok(sealed >= 4500, `${sealed} rows sealed`);
      }
    }
    assert.deepEqual(await flush(), [{ rows_sealed: 0 }]);
    const { rows } = await client.query('SELECT count(*)::int AS n FROM documents');
    assert.deepEqual(rows, [{ n: 4500 }]);
  });
}

test('malformed binary is refused', async () => {
  const truncated = vectorToBuffer([1, 2, 3]).subarray(0, 12);
  const surplus = Buffer.concat([vectorToBuffer([1]), Buffer.alloc(1)]);
  const unsorted = sparseToBuffer(5, { 0: 1, 2: 2 });
  unsorted.writeInt32BE(4, 12);
  const cases = [
    ['vector', truncated, '08P01'],
    ['vector', surplus, '22P03'],
    ['vector', Buffer.from([0, 0, 0, 0]), '22000'],
    ['vector', Buffer.from([0, 1, 0, 7, 0, 0, 0, 0]), '22P03'],
    ['vector', Buffer.from([0, 1, 0, 0, 0x7f, 0xc0, 0, 0]), '22000'],
    ['halfvec', Buffer.from([0, 1, 0, 0, 0x7c, 0]), '22000'],
    ['sparsevec', unsorted, '22000'],
    ['sparsevec', sparseToBuffer(2, { 2: 1 }), '22000'],
    ['sparsevec', sparseToBuffer(2, { 0: 0 }), '22P03'],
    ['sparsevec', sparseToBuffer(2, { 0: 1 }).subarray(0, 19), '08P01'],
    ['sparsevec', Buffer.concat([sparseToBuffer(2, { 0: 1 }), Buffer.alloc(1)]), '22P03'],
    ['sparsevec', Buffer.alloc(0), '08P01'],
  ];
  for (const [type, buffer, code] of cases) {
    await assert.rejects(client.query(`SELECT $1::${type}`, [buffer]), (error) => {
      assert.equal(error.code, code, `${type} ${buffer.toString('hex')}: ${error.message}`);
      return true;
    });
  }
});

test('the end', async () => {
  await client.end();
});
