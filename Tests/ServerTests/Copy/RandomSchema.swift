// Random SQLite schemas: what people declare, in every combination, with values of every storage class.

import SQLite
import TestSupport

/// A random schema, as a script that SQLite takes.
struct RandomSchema {
  private var random: SeededGenerator
  /// The statements; each may be refused by SQLite, and then is not there.
  private(set) var statements: [String] = []
  private var tables: [(name: String, columns: [String])] = []
  private var names = 0

  init(seed: UInt64) {
    random = SeededGenerator(seed: seed)
    for _ in 0..<Int.random(in: 1...4, using: &random) { addTable() }
    for _ in 0..<Int.random(in: 0...4, using: &random) { addIndex() }
    for _ in 0..<Int.random(in: 0...2, using: &random) { addView() }
    for _ in 0..<Int.random(in: 0...12, using: &random) { addRow() }
  }

  private static let types = [
    "", "INTEGER", "INT", "BIGINT", "TEXT", "VARCHAR(3)", "CHAR(10)", "REAL", "DOUBLE", "NUMERIC(5,2)",
    "DECIMAL", "BOOLEAN", "DATE", "DATETIME",
    "TIMESTAMP", "TIME", "JSON", "UUID", "BLOB", "POINT", "weird type (1, 2)", "ANY",
  ]
  private static let words = [
    "id", "Name", "select", "ORDER", "a\"b", "tab\tname", "ünï", "is_active", "x", "value", "created_at",
    "user id", "end", "$1", "rowid", "data",
  ]
  private static let values = [
    "NULL", "0", "1", "-1", "2.5", "'x'", "''", "'1'", "x'00ff'", "9223372036854775807", "1e300",
    "'2024-01-15 10:30:00'", "'2024-02-30'", "'{\"a\": 1}'",
    "'{\"a\": 1, \"a\": 2}'", "'true'", "'6fa459ea-ee8a-3ca4-894e-db77e160355e'", "CAST(x'ff' AS TEXT)",
    "'a' || char(0)", "1706000000", "0.1", "-0.0", "9e999", "'10:30'",
    "19.99", "'ß'", "1706000000.25", "hex(randomblob(3000))",
  ]
  private static let defaults = [
    "0", "1", "'x'", "''", "-5", "NULL", "CURRENT_TIMESTAMP", "(datetime('now'))", "(1 + 2)", "x'00'", "TRUE",
    "(random())", "word", "\"quoted\"", "(lower('X'))",
    "(strftime('%s', 'now'))", "(date('now', 'localtime'))", "1e999", "(json('{}'))", "'2024-01-15'",
    "(coalesce(NULL, 5))",
  ]

  private mutating func name() -> String {
    names += 1
    let base = random.one(of: Self.words)
    let long = random.chance(0.1) ? String(repeating: "long ", count: 13) : ""
    return long + base + (random.chance(0.8) ? "\(names)" : "")
  }

  private mutating func column(of table: Int) -> String {
    SQLiteIdentifier.quoted(random.one(of: tables[table].columns))
  }

  /// An expression over the columns of a table.
  private mutating func expression(_ table: Int, depth: Int = 0) -> String {
    if depth > 2 || random.chance(0.4) {
      return random.chance(0.6)
        ? column(of: table)
        : random.one(of: ["1", "0", "'x'", "2.5", "NULL", "'2024-01-15'", "x'00'", "TRUE"])
    }
    let first = expression(table, depth: depth + 1)
    let second = expression(table, depth: depth + 1)
    let forms = [
      "\(first) + \(second)", "\(first) / \(second)", "\(first) || \(second)", "\(first) = \(second)",
      "\(first) > \(second)", "(\(first) AND \(second))", "NOT \(first)",
      "\(first) IS NULL", "\(first) IN (\(second), 1)", "\(first) LIKE 'a%'", "\(first) GLOB '[a-z]*'",
      "\(first) BETWEEN 0 AND 9", "length(\(first))", "lower(\(first))",
      "substr(\(first), 1, 2)", "coalesce(\(first), \(second))",
      "CASE WHEN \(first) THEN \(second) ELSE 0 END", "CAST(\(first) AS INTEGER)", "abs(\(first))",
      "round(\(first), 2)", "typeof(\(first))", "json_extract(\(first), '$.a')", "date(\(first))",
      "strftime('%Y', \(first))", "-\(first)", "\(first) % 7", "ifnull(\(first), '')",
      "\(first) COLLATE NOCASE", "json_valid(\(first))", "iif(\(first), 1, 2)", "min(\(first), \(second))",
      "hex(\(first))", "instr(\(first), 'a')", "unixepoch(\(first))",
    ]
    return random.one(of: forms)
  }

  private mutating func addTable() {
    var columns: [String] = []
    for _ in 0..<Int.random(in: 1...7, using: &random) { columns.append(name()) }
    let table = name()
    tables.append((table, columns))
    let place = tables.count - 1
    var lines: [String] = []
    let isRowID = random.chance(0.4)
    for (index, column) in columns.enumerated() {
      var line =
        SQLiteIdentifier.quoted(column) + " "
        + (index == 0 && isRowID ? "INTEGER PRIMARY KEY" : random.one(of: Self.types))
      if index == 0, isRowID {
        if random.chance(0.5) { line += " AUTOINCREMENT" }
      } else if random.chance(0.12) {
        line += " GENERATED ALWAYS AS (\(expression(place))) \(random.one(of: ["STORED", "VIRTUAL"]))"
      } else {
        if random.chance(0.2) { line += " NOT NULL" }
        if random.chance(0.2) { line += " UNIQUE" }
        if random.chance(0.3) { line += " DEFAULT \(random.one(of: Self.defaults))" }
        if random.chance(0.15) { line += " COLLATE \(random.one(of: ["NOCASE", "RTRIM", "BINARY"]))" }
        if random.chance(0.2) { line += " CHECK (\(expression(place)))" }
        if random.chance(0.25) {
          let parent = Int.random(in: 0..<tables.count, using: &random)
          line += " REFERENCES \(SQLiteIdentifier.quoted(tables[parent].name))"
          if random.chance(0.7) { line += " (\(self.column(of: parent)))" }
          line += random.one(of: [
            "", " ON DELETE CASCADE", " ON UPDATE SET NULL DEFERRABLE INITIALLY DEFERRED",
          ])
        }
      }
      lines.append(line)
    }
    if !isRowID, random.chance(0.4) { lines.append("PRIMARY KEY (\(column(of: place)))") }
    if random.chance(0.2) {
      lines.append("CONSTRAINT \(SQLiteIdentifier.quoted(name())) CHECK (\(expression(place)))")
    }
    if random.chance(0.2) { lines.append("UNIQUE (\(column(of: place)))") }
    let without = !isRowID && random.chance(0.2) ? " WITHOUT ROWID" : ""
    statements.append(
      "CREATE TABLE \(SQLiteIdentifier.quoted(table)) (\(lines.joined(separator: ", ")))\(without)")
  }

  private mutating func addIndex() {
    let table = Int.random(in: 0..<tables.count, using: &random)
    let parts = (0..<Int.random(in: 1...2, using: &random)).map { _ in
      (random.chance(0.6) ? column(of: table) : expression(table))
        + random.one(of: ["", " DESC", " COLLATE NOCASE"])
    }
    let condition = random.chance(0.3) ? " WHERE \(expression(table))" : ""
    statements.append(
      "CREATE \(random.chance(0.2) ? "UNIQUE " : "")INDEX \(SQLiteIdentifier.quoted(name())) ON \(SQLiteIdentifier.quoted(tables[table].name)) (\(parts.joined(separator: ", ")))\(condition)"
    )
  }

  private mutating func addView() {
    let table = Int.random(in: 0..<tables.count, using: &random)
    let results = random.chance(0.3) ? "*" : "\(expression(table)) AS first, \(column(of: table))"
    statements.append(
      "CREATE VIEW \(SQLiteIdentifier.quoted(name())) AS SELECT \(results) FROM \(SQLiteIdentifier.quoted(tables[table].name)) WHERE \(expression(table)) ORDER BY 1 LIMIT 9"
    )
  }

  private mutating func addRow() {
    let table = tables[Int.random(in: 0..<tables.count, using: &random)]
    let columns = table.columns.filter { _ in random.chance(0.8) }
    guard !columns.isEmpty else { return }
    statements.append(
      "INSERT OR IGNORE INTO \(SQLiteIdentifier.quoted(table.name)) (\(columns.map(SQLiteIdentifier.quoted).joined(separator: ", "))) VALUES (\(columns.map { _ in random.one(of: Self.values) }.joined(separator: ", ")))"
    )
  }
}
