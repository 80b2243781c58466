// Random databases: every row accounted for, every value as it was, and nothing more on a second run.

import Foundation
import LegacyImport
import SQLite
import TestSupport
import Testing

@Suite struct CopyFuzzTests {
  @Test(.timeLimit(.minutes(60)))
  func randomDatabasesIntoEmptyOnes() async throws {
    let seed = SeededGenerator.seed(for: "randomDatabasesIntoEmptyOnes")
    for round in 0..<(runsLongTests ? 2000 : 12) as Range<UInt64> {
      let version = TestServer.versions[Int(round) % TestServer.versions.count]
      let scene = try await CopyScene(version)
      var source = RandomSource(seed: seed &+ round)
      try source.write(to: scene.open())
      let comment: Comment = "seed \(seed &+ round), \(version)"
      let dry = try await scene.copy { $0.isDryRun = true }
      #expect(
        try await scene.count("SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace")
          == 0,
        comment)
      let report = try await scene.copy { $0.batchSize = 7 }
      try await scene.expectWhole(report, comment)
      #expect(dry.reasons == report.reasons, comment)
      #expect(dry.omissions == report.omissions, comment)
      for table in report.tables where table.rejected == 0 {
        try await expectValues(of: table, scene, comment)
      }
      let second = try await scene.copy()
      try await scene.expectWhole(second, comment)
      #expect(second.loaded == 0 && second.rejected == report.rejected, comment)
      // Whatever was rejected stays so, and is not loaded by trying again.
      let third = try await scene.copy { $0.retriesRejects = true }
      try await scene.expectWhole(third, comment)
      #expect(third.rejected == report.rejected, comment)
    }
  }

  /// Compares the values of each column, read by other ways than the copy's: as text from the server, one by one from SQLite.
  private func expectValues(of table: TableReport, _ scene: CopyScene, _ comment: Comment) async throws {
    let name = try #require(table.target)
    let quoted = "\"" + name.replacing("\"", with: "\"\"") + "\""
    let columns = try await scene.texts(
      """
      SELECT attname, typname FROM pg_attribute JOIN pg_type ON pg_type.oid = atttypid
      WHERE attrelid = '\(quoted.replacing("'", with: "''"))'::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum
      """)
    let source = try scene.open()
    let names = try source.query("SELECT name FROM pragma_table_xinfo(?)", [.text(table.table)]).compactMap {
      $0[0].string
    }
    guard names.count == columns.count else { return }
    for (column, described) in zip(names, columns) {
      guard let target = described[0], let type = described[1],
        ["int8", "float8", "text", "bytea", "numeric"].contains(type)
      else { continue }
      let stored = try source.query(
        "SELECT \(SQLiteIdentifier.quoted(column)) FROM \(SQLiteIdentifier.quoted(table.table))")
      let expected = stored.map { Self.printed($0[0], type) }.sorted()
      let actual = try await scene.column(
        "SELECT \"\(target.replacing("\"", with: "\"\""))\" FROM \(quoted)"
      ).map { Self.normal($0, type) }.sorted()
      #expect(expected == actual, "\(table.table).\(column) as \(type), \(comment)")
    }
  }

  /// A value of SQLite as Postgres prints it in a type.
  private static func printed(_ value: SQLiteValue, _ type: String) -> String {
    switch value {
    case .null: return "NULL"
    case .integer(let number): return normal(String(number), type)
    case .real(let number): return normal(number.description, type)
    case .text(let text): return type == "bytea" ? hex(Array(text.utf8)) : normal(text, type)
    case .malformedText(let bytes), .blob(let bytes): return hex(bytes)
    }
  }

  private static func normal(_ text: String?, _ type: String) -> String {
    guard let text else { return "NULL" }
    guard type == "float8" || type == "numeric", let number = Double(text) else { return text }
    return number.description
  }

  private static func hex(_ bytes: [UInt8]) -> String {
    "\\x" + bytes.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
  }
}
