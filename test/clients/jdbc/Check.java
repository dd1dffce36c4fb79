import com.pgvector.PGbit;
import com.pgvector.PGhalfvec;
import com.pgvector.PGsparsevec;
import com.pgvector.PGvector;
import java.io.StringReader;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.sql.Types;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Properties;
import org.postgresql.PGConnection;
import org.postgresql.PGProperty;
import org.postgresql.util.PGBinaryObject;
import org.postgresql.util.PGobject;

/** Types over JDBC: as text, and as binary if pgvector-java encodes them. */
public final class Check {
  private static int count;
  private static int failed;

  private static void ok(boolean condition, String name) {
    count++;
    if (!condition) {
      failed++;
    }
    System.out.println((condition ? "ok " : "not ok ") + count + " - " + name);
  }

  private static void equal(Object got, Object wanted, String name) {
    boolean same = Objects.equals(got, wanted);
    ok(same, name);
    if (!same) {
      System.out.println("# got    " + got + "\n# wanted " + wanted);
    }
  }

  /** binaryOids: the types that are binary from the first execution on. */
  private static Connection connect(String binaryOids) throws SQLException {
    Properties properties = new Properties();
    PGProperty.USER.set(properties, System.getenv("PGUSER"));
    PGProperty.SSL_MODE.set(properties, "disable");
    PGProperty.GSS_ENC_MODE.set(properties, "disable");
    PGProperty.SOCKET_FACTORY.set(properties, "UnixSocketFactory");
    PGProperty.SOCKET_FACTORY_ARG.set(
        properties, System.getenv("PGHOST") + "/.s.PGSQL." + System.getenv("PGPORT"));
    if (!binaryOids.isEmpty()) {
      PGProperty.BINARY_TRANSFER_ENABLE.set(properties, binaryOids);
      PGProperty.PREPARE_THRESHOLD.set(properties, -1);
    }
    Connection connection =
        DriverManager.getConnection("jdbc:postgresql://localhost/" + System.getenv("PGDATABASE"), properties);
    PGvector.registerTypes(connection);
    PGbit.registerType(connection);
    return connection;
  }

  private static String oids(Connection connection) throws SQLException {
    try (Statement statement = connection.createStatement();
        ResultSet rows = statement.executeQuery(
            "SELECT string_agg(oid::text, ',') FROM pg_type WHERE typname IN ('vector', 'sparsevec', 'bit')")) {
      rows.next();
      return rows.getString(1);
    }
  }

  private static void values(Connection connection, String form) throws SQLException {
    PGobject[] values = {
      new PGvector(new float[] {1, -2.5f, 0.015625f}),
      new PGhalfvec(new float[] {1, -2.5f, 0.015625f}),
      new PGsparsevec("{1:0.5,3:-2.0}/5"),
      new PGbit("1000000001"),
    };
    String[] printed = {"[1,-2.5,0.015625]", "[1,-2.5,0.015625]", "{1:0.5,3:-2}/5", "1000000001"};
    for (int i = 0; i < values.length; i++) {
      if (form.equals("binary") && !(values[i] instanceof PGBinaryObject)) {
        continue;
      }
      String type = values[i].getType();
      String cast = type.equals("bit") ? "bit(10)" : type;
      try (PreparedStatement statement =
          connection.prepareStatement("SELECT x, x::text FROM (SELECT ?::" + cast + " AS x) s")) {
        statement.setObject(1, values[i]);
        try (ResultSet rows = statement.executeQuery()) {
          rows.next();
          Object got = rows.getObject(1);
          equal(got.getClass() + " " + got, values[i].getClass() + " " + values[i], type + " written and read, " + form);
          equal(rows.getString(2), printed[i], type + " printed by the server, " + form);
        }
      }
    }
  }

  private static void tables(Connection connection, String form) throws SQLException {
    List<PGvector> vectors = new ArrayList<>();
    try (Statement statement = connection.createStatement()) {
      statement.execute("DROP TABLE IF EXISTS items");
      statement.execute("CREATE TABLE items (id int PRIMARY KEY, v vector(100), b bit(8))");
    }
    try (PreparedStatement insert = connection.prepareStatement("INSERT INTO items VALUES (?, ?, ?)")) {
      for (int i = 0; i < 1000; i++) {
        float[] x = new float[100];
        for (int j = 0; j < x.length; j++) {
          x[j] = ((i * i + j * j * 7 + i * j) % 2047 - 1023) / 64f;
        }
        vectors.add(new PGvector(x));
        insert.setInt(1, i);
        insert.setObject(2, vectors.get(i));
        insert.setObject(3, new PGbit(new byte[] {(byte) i}));
        insert.addBatch();
      }
      insert.executeBatch();
    }

    int same = 0;
    try (Statement statement = connection.createStatement();
        ResultSet rows = statement.executeQuery("SELECT id, v FROM items ORDER BY id")) {
      while (rows.next()) {
        if (rows.getObject(2).equals(vectors.get(rows.getInt(1)))) {
          same++;
        }
      }
    }
    equal(same, 1000, "1000 rows by a batch, " + form);

    try (PreparedStatement nearest = connection.prepareStatement("SELECT id FROM items ORDER BY v <-> ? LIMIT 1")) {
      nearest.setObject(1, vectors.get(7));
      try (ResultSet rows = nearest.executeQuery()) {
        rows.next();
        equal(rows.getInt(1), 7, "nearest with a parameter, " + form);
      }
    }
    try (PreparedStatement insert = connection.prepareStatement("INSERT INTO items (id, v) VALUES (-1, ?)")) {
      insert.setNull(1, Types.OTHER);
      equal(insert.executeUpdate(), 1, "NULL, " + form);
      insert.setObject(1, new PGvector(new float[] {1, 2}));
      insert.executeUpdate();
      ok(false, "other dimensions are refused, " + form);
    } catch (SQLException error) {
      equal(error.getSQLState(), "22000", "other dimensions are refused, " + form);
    }
  }

  private static void copy(Connection connection) throws Exception {
    long copied = connection.unwrap(PGConnection.class).getCopyAPI()
        .copyIn("COPY items (id, v) FROM STDIN", new StringReader("2000\t" + new PGvector(new float[100]) + "\n"));
    equal(copied, 1L, "COPY");
  }

  private static PGvector embedding(int id, int seed) {
    float[] x = new float[8];
    for (int j = 0; j < x.length; j++) {
      x[j] = ((id * 7919 + seed * 1299709) % (2003 + 2 * j) - 1000) / 64f;
    }
    return new PGvector(x);
  }

  /** Upserts the documents from..to-1 by column; returns "inserted replaced". */
  private static String upsert(Connection connection, int from, int to, int seed) throws SQLException {
    int count = to - from;
    Long[] ids = new Long[count];
    PGvector[] embeddings = new PGvector[count];
    Integer[] numbers = new Integer[count];
    String[] titles = new String[count];
    Integer[] counts = new Integer[count];
    String[] bodies = new String[count];
    for (int i = 0; i < count; i++) {
      int id = from + i;
      ids[i] = (long) id;
      embeddings[i] = embedding(id, seed);
      numbers[i] = id * 7 % 1000;
      titles[i] = "title " + id + ", \"quoted\"";
      counts[i] = id % 13;
      bodies[i] = "dy".repeat(id % 3000);
    }
    try (PreparedStatement statement = connection.prepareStatement(
        "SELECT inserted || ' ' || replaced FROM vecstore.upsert_columns('documents',"
            + " ARRAY['id', 'embedding', 'number', 'title', 'count', 'body'], ?, ?, ?, ?, ?, ?)")) {
      statement.setArray(1, connection.createArrayOf("int8", ids));
      statement.setArray(2, connection.createArrayOf("vector", embeddings));
      statement.setArray(3, connection.createArrayOf("int4", numbers));
      statement.setArray(4, connection.createArrayOf("text", titles));
      statement.setArray(5, connection.createArrayOf("int4", counts));
      statement.setArray(6, connection.createArrayOf("text", bodies));
      return string(statement);
    }
  }

  /** Returns the first column of the first row. */
  private static String string(PreparedStatement statement) throws SQLException {
    try (ResultSet rows = statement.executeQuery()) {
      rows.next();
      return rows.getString(1);
    }
  }

  private static String string(Connection connection, String query) throws SQLException {
    try (PreparedStatement statement = connection.prepareStatement(query)) {
      return string(statement);
    }
  }

  /** Upsert, upsert again with half of the keys new, flush, count, search, flush. */
  private static void scenario(Connection connection, String form) throws SQLException {
    string(connection, "WITH gone AS (DELETE FROM documents RETURNING 1) SELECT count(*) FROM gone");
    equal(upsert(connection, 0, 3000, 1), "3000 0", "3,000 new documents, " + form);
    equal(upsert(connection, 1500, 4500, 2), "1500 1500", "3,000 documents, half of them known, " + form);
    PGvector wanted = embedding(2000, 2);
    String flush = "SELECT rows_sealed FROM vecstore.flush('documents')";
    for (String state : new String[] {"before", "after"}) {
      try (PreparedStatement statement =
          connection.prepareStatement("SELECT id, embedding, body FROM documents ORDER BY embedding <-> ? LIMIT 10")) {
        statement.setObject(1, wanted);
        try (ResultSet rows = statement.executeQuery()) {
          rows.next();
          boolean same = rows.getLong(1) == 2000 && wanted.equals(rows.getObject(2))
              && rows.getString(3).equals("dy".repeat(2000));
          ok(same, "a replaced document is found " + state + " the flush, " + form);
        }
      }
      if (state.equals("before")) {
        ok(Long.parseLong(string(connection, flush)) >= 4500, "flush seals what was upserted, " + form);
      }
    }
    equal(string(connection, flush), "0", "a second flush has nothing to seal, " + form);
    equal(string(connection, "SELECT count(*) FROM documents"), "4500", "the documents count, " + form);
  }

  public static void main(String[] args) throws Exception {
    try (Connection text = connect("");
        Connection binary = connect(oids(text))) {
      values(text, "text");
      values(binary, "binary");
      tables(text, "text");
      tables(binary, "binary");
      copy(text);
      scenario(text, "text");
      scenario(binary, "binary");
    } catch (Exception error) {
      ok(false, "ran to the end");
      error.printStackTrace();
    }
    System.out.println("1.." + count);
    System.exit(failed > 0 ? 1 : 0);
  }
}
