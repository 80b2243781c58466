// What Postgres generates is what SQLite generates: random expressions over typed columns, compared value for value.

import Foundation
import Postgres
import SQLite
import TestSupport
import Testing

@testable import LegacyImport

@Suite struct GeneratedColumnFuzzTests {
  private static let operands = [
    "i", "i", "r", "s", "s", "b", "at", "n", "x", "1", "0", "-3", "2.5", "'b'", "'Ab'", "NULL", "''", "j",
  ]

  private static func expression(_ random: inout SeededGenerator, depth: Int = 0) -> String {
    if depth > 2 || random.chance(0.25) { return random.one(of: operands) }
    let first = expression(&random, depth: depth + 1)
    let second = expression(&random, depth: depth + 1)
    return random.one(of: [
      "(\(first) + \(second))", "(\(first) - \(second))", "(\(first) * \(second))", "(\(first) / \(second))",
      "(\(first) % \(second))",
      "(\(first) || \(second))", "(\(first) = \(second))", "(\(first) <> \(second))",
      "(\(first) < \(second))", "(\(first) >= \(second))",
      "(\(first) AND \(second))", "(\(first) OR \(second))", "(NOT \(first))", "(\(first) IS NULL)",
      "(\(first) IS \(second))",
      "(\(first) IN (\(second), 1))", "(\(first) BETWEEN 0 AND \(second))", "(\(first) GLOB '[a-b]*')",
      "(\(first) LIKE 'a%')", "length(\(first))",
      "lower(\(first))", "upper(\(first))", "substr(\(first), 1, 2)", "substr(\(first), -2)",
      "trim(\(first))", "replace(\(first), 'b', \(second))",
      "coalesce(\(first), \(second))", "ifnull(\(first), \(second))", "nullif(\(first), \(second))",
      "iif(\(first), \(second), 0)",
      "CASE WHEN \(first) THEN \(second) ELSE i END", "CASE \(first) WHEN \(second) THEN 1 END",
      "CAST(\(first) AS INTEGER)", "CAST(\(first) AS TEXT)",
      "CAST(\(first) AS REAL)", "abs(\(first))", "-\(first)", "(\(first) & \(second))", "(\(first) << 2)",
      "instr(\(first), \(second))", "typeof(\(first))",
      "hex(\(first))", "date(\(first))", "strftime('%s', \(first))", "json_extract(j, '$.a')",
      "(\(first) COLLATE NOCASE = \(second))", "sign(\(first))",
      "max(\(first), \(second))", "unicode(\(first))", "(\(first) -> 'a')", "round(\(first), 1)",
    ])
  }

  @Test("Random generated columns hold SQLite's values", arguments: TestServer.versions)
  func randomExpressions(version: TestServer.Version) async throws {
    let isLong = ProcessInfo.processInfo.environment["AGENTBASE_LONG_TESTS"] == "1"
    let seed = SeededGenerator.seed(for: "generated columns, \(version)")
    var random = SeededGenerator(seed: seed)
    let shared = try await SchemaScene(version, "")
    var generated = 0
    for round in 0..<(isLong ? 300 : 10) {
      let file = try SQLiteConnection(path: ":memory:")
      try file.executeScript(
        """
        CREATE TABLE t (id INTEGER PRIMARY KEY, i INT, r REAL, s TEXT, b BOOLEAN, at DATETIME, n NUMERIC(9,3), x BLOB, j JSON);
        INSERT INTO t VALUES (1, 5, 0.5, 'abc', 1, '2024-01-15 10:30:00', 1.125, x'00ff', '{"a": 1}'), (2, -7, -2.25, 'B', 0, '2023-12-31 23:59:59', 3, x'',
          '{"a": "x"}'), (3, 0, 0, '', 1, NULL, 0, NULL, '[]'), (4, NULL, NULL, NULL, NULL, '1969-12-31 00:00:00', NULL, x'41', NULL),
          (5, 1, 1e10, 'äÄ ', 0, NULL, 123456.789, x'4142', '{"a": null}'), (6, 2, 3.0, 'b%', 1, '2024-02-29 00:00:00', -0.5, NULL, '{}'), (7, 0, 7, '12', 0, NULL, 2, NULL, NULL);
        """)
      for number in 0..<25 {
        // What SQLite itself refuses is no column.
        do {
          try file.executeScript("ALTER TABLE t ADD COLUMN g\(number) AS (\(Self.expression(&random)))")
          _ = try file.query("SELECT g\(number) FROM t")
        } catch {
          try? file.executeScript("ALTER TABLE t DROP COLUMN g\(number)")
        }
      }
      let scene = SchemaScene(shared, file: file)
      let schema = "round \(round)"
      let outcome = try await scene.make(schema: schema)
      // A plain column may hold blobs among texts, which are rejected, and named.
      if outcome.rejected["t"] != 0 {
        #expect(outcome.omissions.contains { $0.kind == .columnType }, "AGENTBASE_SEED=\(seed), \(schema)")
        continue
      }
      let columns = try await scene.lines(
        """
        SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute
        WHERE attrelid = '"\(schema)".t'::regclass AND attgenerated = 's'
        """)
      for line in columns {
        let parts = line.split(separator: "|").map(String.init)
        generated += 1
        let theirs = try await scene.lines("SELECT \(parts[0]) FROM \"\(schema)\".t ORDER BY id")
        let own = try file.query("SELECT \(parts[0]) FROM t ORDER BY id").map {
          Self.text($0[0], as: parts[1])
        }
        #expect(
          theirs == own, "AGENTBASE_SEED=\(seed), \(schema): \(declaration(file, parts[0])) as \(line)")
      }
    }
    #expect(generated > (isLong ? 1000 : 30), "\(generated)")
    await shared.close()
  }

  private func declaration(_ file: SQLiteConnection, _ column: String? = nil) -> String {
    guard let source = try? SourceDatabase(reading: file) else { return "" }
    let columns = source.tables[0].columns.filter {
      $0.generatedSQL != nil && (column == nil || $0.name == column)
    }
    return columns.map { "\($0.name) AS (\($0.generatedSQL ?? ""))" }.joined(separator: "; ")
  }

  /// A value of SQLite as Postgres shows it in a column of this type.
  private static func text(_ value: SQLiteValue, as type: String) -> String {
    switch value {
    case .null: "NULL"
    case .integer(let number):
      switch type {
      case "boolean": number == 1 ? "t" : "f"
      default: String(number)
      }
    case .real(let number):
      switch type {
      case "double precision", "numeric":
        number == number.rounded() && abs(number) < 1e15 ? String(Int(number)) : String(number)
      default: String(number)
      }
    case .text(let text): text
    case .malformedText(let bytes), .blob(let bytes):
      "\\x" + bytes.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
    }
  }
}
