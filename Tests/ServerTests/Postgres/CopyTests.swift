// COPY in both directions against a live server.

import Postgres
import TestSupport
import Testing

@Suite struct PostgresCopyTests {
  private struct Stop: Error {}

  private func table(_ version: TestServer.Version = .v15) async throws -> PostgresConnection {
    let connection = try await Live.connection(version)
    try await connection.executeScript(
      """
      CREATE TABLE t (id uuid, a int2, b int4, c int8, d float4, e float8, f boolean, g text, h bytea,
        i timestamptz, j jsonb, k real[], l date, n int4)
      """)
    return connection
  }

  private func append(row number: Int, to encoder: inout PostgresCopyEncoder) {
    encoder.beginRow(fields: 14)
    encoder.append(uuid: PostgresUUID(high: 7, low: UInt64(number)))
    encoder.append(int2: Int16(number % 100))
    encoder.append(int4: Int32(number))
    encoder.append(int8: Int64(number) * 1_000_000_007)
    encoder.append(float4: Float(number) / 3)
    encoder.append(float8: Double(number) / 3)
    encoder.append(bool: number % 2 == 0)
    encoder.append(text: "row \(number) é")
    encoder.append(bytea: [0, 1, UInt8(number % 256)])
    encoder.append(timestamptz: 1_700_000_000_000_000 + Int64(number))
    encoder.append(jsonb: "{\"n\": \(number)}")
    encoder.append(float4Array: [Float(number), -0.0])
    encoder.append(date: Int32(number % 20_000))
    encoder.appendNull()
  }

  @Test(arguments: TestServer.versions) func rowsGoInAndComeOut(version: TestServer.Version) async throws {
    let connection = try await table(version)
    let count = 20_000
    let stored = try await connection.copyIn("COPY t FROM STDIN (FORMAT binary)") { writer in
      var encoder = PostgresCopyEncoder()
      encoder.appendHeader()
      for number in 0..<count {
        append(row: number, to: &encoder)
        // A row that is taken back leaves nothing.
        let mark = encoder.mark()
        append(row: number + 1, to: &encoder)
        encoder.rollback(to: mark)
        if encoder.count > 100_000 { try await writer.write(&encoder) }
      }
      encoder.appendTrailer()
      try await writer.write(&encoder)
    }
    #expect(stored == count)
    let check = try await connection.query(
      """
      SELECT count(*) FROM t WHERE c = b * 1000000007::int8 AND g = 'row ' || b || ' é' AND (j->>'n')::int = b
        AND k[1] = b AND n IS NULL AND f = (b % 2 = 0) AND e = b::float8 / 3 AND length(h) = 3
        AND i = 'epoch'::timestamptz + (1700000000000000 + b) * '1 microsecond'::interval
        AND l = '1970-01-01'::date + b % 20000
      """)
    #expect(try check[0].decode(0, as: Int.self) == count)

    var decoder = PostgresCopyDecoder()
    var next = 0
    let sent = try await connection.copyOut("COPY (SELECT * FROM t ORDER BY b) TO STDOUT (FORMAT binary)") {
      piece in
      guard try decoder.read(piece) else { return }
      #expect(decoder.count == 14)
      #expect(try decoder.value(2, as: .int4, of: piece) == .int4(Int32(next)))
      #expect(
        try decoder.value(9, as: .timestamptz, of: piece) == .timestamptz(1_700_000_000_000_000 + Int64(next))
      )
      #expect(decoder.isNull(13))
      next += 1
    }
    #expect(sent == count)
    #expect(next == count)
    await connection.close()
  }

  @Test(.needs(.v18)) func vectors() async throws {
    let connection = try await Live.connection(.v18)
    try await connection.executeScript("CREATE EXTENSION vector; CREATE TABLE v (e vector(3))")
    let vector: [Float] = [1.5, -2, 0.1]
    try await connection.copyIn("COPY v FROM STDIN (FORMAT binary)") { writer in
      var encoder = PostgresCopyEncoder()
      encoder.appendHeader()
      encoder.beginRow(fields: 1)
      encoder.append(vector: vector)
      encoder.appendTrailer()
      try await writer.write(&encoder)
    }
    #expect(try await connection.query("SELECT e FROM v")[0].decode("e", as: [Float].self) == vector)
    await connection.close()
  }

  @Test(arguments: TestServer.versions) func anErrorAtTheEndHasItsFields(version: TestServer.Version)
    async throws
  {
    let connection = try await table(version)
    try await connection.executeScript("CREATE TABLE u (a int PRIMARY KEY)")
    let error = try await Live.error {
      try await connection.copyIn("COPY u FROM STDIN") { try await $0.write(Array("1\n2\n1\n".utf8)) }
    }
    #expect(error.sqlState == .uniqueViolation)
    #expect(error.server?.constraint == "u_pkey")
    #expect(error.server?.detail == "Key (a)=(1) already exists.")
    #expect(error.server?.context == "COPY u, line 3")
    let malformed = try await Live.error {
      try await connection.copyIn("COPY u FROM STDIN") { try await $0.write(Array("1\nx\n".utf8)) }
    }
    #expect(malformed.sqlState == .invalidTextRepresentation)
    #expect(malformed.server?.context == "COPY u, line 2, column a: \"x\"")
    #expect(await connection.isIdle)
    await connection.close()
  }

  @Test(arguments: TestServer.versions) func anErrorInTheMiddleStopsTheSender(version: TestServer.Version)
    async throws
  {
    let connection = try await table(version)
    try await connection.executeScript("CREATE TABLE u (a int CHECK (a < 10))")
    var written = 0
    let piece = Array(String(repeating: "1\n", count: 50_000).utf8)
    let error = try await Live.error {
      try await connection.copyIn("COPY u FROM STDIN") { writer in
        try await writer.write(Array("1\n77\n".utf8))
        while written < 100_000 {
          try await writer.write(piece)
          written += 1
        }
      }
    }
    #expect(error.sqlState == .checkViolation)
    #expect(error.server?.table == "u")
    #expect(error.server?.context?.hasPrefix("COPY u, line 2") == true)
    #expect(written < 100_000)
    #expect(try await connection.query("SELECT count(*) FROM u")[0].decode(0, as: Int.self) == 0)
    await connection.close()
  }

  @Test(arguments: TestServer.versions) func noticesInTheMiddleStopNothing(version: TestServer.Version)
    async throws
  {
    let connection = try await table(version)
    try await connection.executeScript(
      """
      CREATE TABLE u (a int);
      CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN IF NEW.a % 10 = 0 THEN RAISE NOTICE 'ten %', repeat('x', 3000); END IF; RETURN NEW; END $$;
      CREATE TRIGGER tell BEFORE INSERT ON u FOR EACH ROW EXECUTE FUNCTION tell()
      """)
    let piece = Array((0..<1000).map { "\($0)\n" }.joined().utf8)
    let stored = try await connection.copyIn("COPY u FROM STDIN") { writer in
      for _ in 0..<50 { try await writer.write(piece) }
    }
    #expect(stored == 50_000)
    await connection.close()
  }

  @Test(arguments: TestServer.versions) func aThrowInTheBodyStoresNothing(version: TestServer.Version)
    async throws
  {
    let connection = try await table(version)
    try await connection.executeScript("CREATE TABLE u (a int)")
    await #expect(throws: Stop.self) {
      try await connection.copyIn("COPY u FROM STDIN") { writer in
        try await writer.write(Array("1\n".utf8))
        throw Stop()
      }
    }
    let inside = try await Live.error {
      try await connection.copyIn("COPY u FROM STDIN") { _ in try await connection.execute("SELECT 1") }
    }
    #expect(inside.code == .misuse)
    #expect(try await connection.query("SELECT count(*) FROM u")[0].decode(0, as: Int.self) == 0)
    await connection.close()
  }

  @Test(arguments: TestServer.versions) func aHugePieceGoesThrough(version: TestServer.Version) async throws {
    let connection = try await table(version)
    try await connection.executeScript("CREATE TABLE u (a text)")
    let text = Array(repeating: UInt8(ascii: "x"), count: 64 << 20) + [UInt8(ascii: "\n")]
    #expect(try await connection.copyIn("COPY u FROM STDIN") { try await $0.write(text) } == 1)
    var received = 0
    try await connection.copyOut("COPY u TO STDOUT") { received += $0.count }
    #expect(received == text.count)
    await connection.close()
  }

  @Test(arguments: TestServer.versions) func aThrowWhileReadingLeavesTheLinkUsable(
    version: TestServer.Version
  ) async throws {
    let connection = try await table(version)
    var seen = 0
    await #expect(throws: Stop.self) {
      try await connection.copyOut("COPY (SELECT generate_series(1, 100000000)) TO STDOUT") { _ in
        seen += 1
        if seen == 1000 { throw Stop() }
      }
    }
    #expect(seen == 1000)
    #expect(await connection.isIdle)
    let late = try await Live.error {
      try await connection.copyOut(
        "COPY (SELECT 1 / (50000 - a) FROM generate_series(1, 100000) a) TO STDOUT"
      ) { _ in }
    }
    #expect(late.server?.message == "division by zero")
    #expect(try await connection.query("SELECT 1").count == 1)
    await connection.close()
  }

  @Test(arguments: TestServer.versions) func cancellationEndsBothDirections(version: TestServer.Version)
    async throws
  {
    let connection = try await table(version)
    try await connection.executeScript("CREATE TABLE u (a int)")
    let out = Task {
      try await connection.copyOut("COPY (SELECT pg_sleep(0.001) FROM generate_series(1, 100000)) TO STDOUT")
      { _ in }
    }
    try await Task.sleep(for: .milliseconds(50))
    out.cancel()
    #expect(try await Live.error { _ = try await out.value }.code == .cancelled)
    #expect(await connection.isIdle)
    let piece = Array(String(repeating: "1\n", count: 50_000).utf8)
    let into = Task {
      try await connection.copyIn("COPY u FROM STDIN") { writer in
        while true { try await writer.write(piece) }
      }
    }
    try await Task.sleep(for: .milliseconds(100))
    into.cancel()
    #expect(try await Live.error { _ = try await into.value }.code == .cancelled)
    #expect(await connection.isIdle)
    #expect(try await connection.query("SELECT count(*) FROM u")[0].decode(0, as: Int.self) == 0)
    await connection.close()
  }
}
