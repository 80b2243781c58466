// Legacy files at random: schemas that SQLite allows, and values of every storage class.

import Foundation
import SQLite
import TestSupport

/// Makes legacy files from a seed.
struct RandomSource {
  private var random: SeededGenerator

  init(seed: UInt64) { random = SeededGenerator(seed: seed) }

  // MARK: - A file

  /// Makes a file of one to four tables.
  mutating func write(to connection: SQLiteConnection) throws {
    if random.chance(0.3) {
      try connection.executeScript(
        "PRAGMA encoding = '\(random.one(of: ["UTF-16le", "UTF-16be", "UTF-8"]))'")
    }
    if random.chance(0.2) { try connection.executeScript("PRAGMA page_size = 512") }
    if random.chance(0.2) { try connection.executeScript("PRAGMA auto_vacuum = 1") }
    if random.chance(0.3) { _ = try connection.query("PRAGMA journal_mode = WAL") }
    try connection.executeScript("PRAGMA user_version = \(Int.random(in: 0...9, using: &random))")
    var names: Set<String> = []
    for _ in 0..<Int.random(in: 1...4, using: &random) {
      let name = random.one(of: Self.tableNames)
      guard names.insert(Self.folded(name)).inserted else { continue }
      try writeTable(name, to: connection)
    }
  }

  private static let tableNames = [
    "memory", "agent_memory", "memories", "tools", "tool_registry", "metrics", "performance", "execution_log",
    "notes", "my memory", "tool\"s", "Memories_ü", "tab\tmetric", "select", "conversation_memory",
    String(repeating: "very_long_", count: 8) + "memory", "caf\u{E9}_memory", "cafe\u{301}_memory", "",
    "it's executions", "100% memory", "x;--tools",
  ]

  private static let columnNames = [
    "id", "key", "value", "content", "timestamp", "created_at", "updated_at", "expires_at", "metadata",
    "embedding", "agent_id", "agent", "namespace", "name", "description", "status", "input", "output",
    "error",
    "duration", "usage_count", "is_enabled", "rowid", "_rowid_", "oid", "source_table", "legacy_id", "",
    "\u{E9}",
    "e\u{301}", "order", "camelCase", "quo\"te", "a.b", "[x]", "tab\tname", "metric_name", "unit", "task",
    "completed_at", "success", String(repeating: "long", count: 20),
  ]

  /// A name as SQLite compares names: ASCII letters in either case, bytes else.
  private static func folded(_ name: String) -> String {
    name.utf8.map { $0 >= 0x41 && $0 <= 0x5A ? $0 | 0x20 : $0 }.map { String($0, radix: 16) }.joined(
      separator: " ")
  }

  // MARK: - A table

  private mutating func writeTable(_ name: String, to connection: SQLiteConnection) throws {
    let isStrict = random.chance(0.15)
    let types =
      isStrict
      ? ["INT", "INTEGER", "REAL", "TEXT", "BLOB", "ANY"]
      : [
        "", "INTEGER", "TEXT", "REAL", "BLOB", "NUMERIC", "INT", "VARCHAR(10)", "BOOLEAN", "DATETIME", "JSON",
      ]
    var columns: [(name: String, type: String, collation: String)] = []
    var names: Set<String> = []
    for _ in 0..<Int.random(in: 1...9, using: &random) {
      let column = random.one(of: Self.columnNames)
      guard names.insert(Self.folded(column)).inserted else { continue }
      let collation = random.chance(0.15) ? random.one(of: [" COLLATE NOCASE", " COLLATE RTRIM"]) : ""
      columns.append((column, random.one(of: types), collation))
    }
    var definitions = columns.map { "\(SQLiteIdentifier.quoted($0.name)) \($0.type)\($0.collation)" }
    var options: [String] = isStrict ? ["STRICT"] : []
    switch Int.random(in: 0..<6, using: &random) {
    case 0:
      columns[0].type = "INTEGER"
      definitions[0] =
        SQLiteIdentifier.quoted(columns[0].name) + " INTEGER PRIMARY KEY "
        + random.one(of: ["", "AUTOINCREMENT", "DESC", "ASC"])
    case 1, 2:
      let collation = random.one(of: ["", "", " COLLATE NOCASE", " COLLATE BINARY", " DESC"])
      definitions.append("PRIMARY KEY (\(SQLiteIdentifier.quoted(columns[0].name))\(collation))")
      if random.chance(0.4) { options.append("WITHOUT ROWID") }
    case 3 where columns.count > 1:
      let key = columns.prefix(Int.random(in: 2...columns.count, using: &random)).map { column in
        SQLiteIdentifier.quoted(column.name) + random.one(of: ["", "", " DESC", " COLLATE NOCASE"])
      }
      definitions.append("PRIMARY KEY (\(key.shuffled(using: &random).joined(separator: ", ")))")
      if random.chance(0.6) { options.append("WITHOUT ROWID") }
    default: break
    }
    if random.chance(0.15) {
      let generated = random.one(of: ["made", "rowid", "oid", "KEY2"])
      if names.insert(Self.folded(generated)).inserted {
        definitions.insert(
          "\(generated) INT AS (1) \(random.one(of: ["VIRTUAL", "STORED"]))",
          at: columns.count)
      }
    }
    let table = SQLiteIdentifier.quoted(name)
    try connection.executeScript(
      "CREATE TABLE \(table) (\(definitions.joined(separator: ", "))) \(options.joined(separator: ", "))")
    try insertRows(
      into: table, columns: columns.map(\.name), hasRowID: !options.contains("WITHOUT ROWID"), connection)
    let first = SQLiteIdentifier.quoted(columns[0].name)
    let suffix = String(name.utf8.reduce(0) { $0 &* 31 &+ Int($1) }.magnitude)
    if random.chance(0.3) {
      try connection.executeScript(
        "CREATE INDEX \"i\(suffix)\" ON \(table) (\(random.one(of: [first + " DESC", "typeof(\(first))"])))")
    }
    if random.chance(0.2) {
      try connection.executeScript("CREATE VIEW \"v\(suffix)\" AS SELECT * FROM \(table)")
    }
    if random.chance(0.2) {
      try connection.executeScript(
        "CREATE TRIGGER \"t\(suffix)\" AFTER INSERT ON \(table) BEGIN SELECT RAISE(ABORT, 'no'); END")
    }
  }

  private mutating func insertRows(
    into table: String, columns: [String], hasRowID: Bool, _ connection: SQLiteConnection
  ) throws {
    let marks = columns.map { _ in "?" }.joined(separator: ", ")
    let list = columns.map(SQLiteIdentifier.quoted).joined(separator: ", ")
    let verb = random.one(of: ["INSERT OR IGNORE", "INSERT OR REPLACE"])
    let rowID =
      hasRowID && random.chance(0.3)
      ? ["rowid", "_rowid_", "oid"].first { name in !columns.contains { $0.lowercased() == name } } : nil
    for _ in 0..<Int.random(in: 0...40, using: &random) {
      var values: [SQLiteValue] = []
      for _ in columns { values.append(value()) }
      // What a strict table or a key refuses is left out.
      if let rowID, random.chance(0.5) {
        let number = random.one(of: [0, -1, .min, .max, 7, Int64.random(in: .min ... .max, using: &random)])
        _ = try? connection.execute(
          "\(verb) INTO \(table) (\(rowID), \(list)) VALUES (?, \(marks))", [.integer(number)] + values)
      } else {
        _ = try? connection.execute("\(verb) INTO \(table) (\(list)) VALUES (\(marks))", values)
      }
    }
  }

  // MARK: - A value

  /// A value of any storage class.
  private mutating func value() -> SQLiteValue {
    switch Int.random(in: 0..<12, using: &random) {
    case 0: .null
    case 1, 2: .integer(random.one(of: Self.integers))
    case 3: .integer(Int64.random(in: .min ... .max, using: &random))
    case 4: .real(random.one(of: Self.reals))
    case 5:
      .real(
        {
          let real = Double(bitPattern: random.next())
          return real.isNaN ? 0.5 : real
        }())
    case 6, 7, 8: .text(random.one(of: Self.texts))
    case 9: .malformedText(random.one(of: Self.malformed))
    case 10:
      .blob(
        (0..<random.one(of: [0, 1, 3, 4, 12, 40])).map { _ in UInt8.random(in: 0...255, using: &random) })
    default:
      .text(String((0..<random.one(of: [1, 2, 30, 3000])).map { _ in random.one(of: Self.characters) }))
    }
  }

  private static let integers: [Int64] = [
    0, 1, 2, -1, 42, 70_000, .max, .min, 9_007_199_254_740_993, -9_007_199_254_740_993, 1_705_314_600,
    1_705_314_600_000, 1_705_314_600_000_000, 1 << 61, (1 << 61) - 1,
  ]
  private static let reals: [Double] = [
    0, -0.0, 0.1, 1, 2.5, -3, 1e300, -1e300, .leastNonzeroMagnitude, .infinity, -.infinity,
    9_007_199_254_740_992, 1e17, 1e18,
    9.2233720368547758e18, 0.30000000000000004, 1_705_314_600.25, 2_460_325.5, 1e-7, 123_456_789.123456789,
  ]
  private static let texts = [
    "", " ", "a", "A", "a ", "0", "00", "1", "1.0", "2.50", "1e5", "-0", "0x10", "NaN", "Infinity", "true",
    "yes",
    "2024-01-15 10:30:00", "2024-02-30", "2024-01-15T10:30:00.123456789+02:00", "0000-00-00", "24:00", "now",
    "NUL\0inside", "\0", "\u{FEFF}bom", "\\N", "\\.", "tab\tnew\nline\r", "quote\"'back\\slash", "é",
    "e\u{301}",
    "😀", "\u{FFFD}", "{}", "[]", "null", "{\"a\": 1, \"a\": 2}", "{\"a\": \"\\u0000\"}",
    "{\"a\": \"\\ud800\"}",
    "{\"n\": 9007199254740993, \"m\": 1e400, \"o\": 1.10, \"p\": -0}",
    "{\"source_table\": \"x\", \"legacy\": 1}",
    "{\"a\":", "[1, 2.5, 3]", "[1, \"x\"]", "[NaN]", "[1e39]", "\u{1}\u{1F}\u{7F}", "9223372036854775808",
  ]
  private static let malformed: [[UInt8]] = [
    [0xFF], [0x61, 0x80], [0xED, 0xA0, 0x80], [0xC0, 0x80], [0x61, 0x00, 0xFF],
    [0xF8, 0x88, 0x80, 0x80, 0x80],
  ]
  private static let characters: [Character] = Array("abcXYZ019 _-\"'\\/\t\n{}[]:,éß漢😀\u{301}")
}
