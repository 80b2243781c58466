// The tables that the odd values stand in: the four kinds, and plain ones of every declared type.

import SQLite

/// A table whose columns, but for `id` and `label`, all hold the row's value.
struct BreakerTables: Sendable {
  let name: String
  /// The columns with their declared types, behind `id` and `label`.
  let columns: [String]
  let values: @Sendable (_ largest: Int) -> [BreakerValue]

  /// All of them.
  static let all: [BreakerTables] =
    [
      BreakerTables(
        "memory",
        [
          "content TEXT", "timestamp", "updated_at DATETIME", "metadata TEXT", "embedding BLOB", "expires_at",
        ]),
      BreakerTables(
        "tools",
        [
          "description TEXT", "config TEXT", "enabled BOOLEAN", "usage_count INTEGER", "metadata JSON",
          "created_at DATETIME",
        ]),
      BreakerTables("metrics", ["value REAL", "unit TEXT", "metadata TEXT", "timestamp DATETIME"]),
      BreakerTables(
        "execution_log",
        [
          "status TEXT", "input TEXT", "output TEXT", "error TEXT", "duration REAL", "started_at DATETIME",
          "finished_at", "metadata TEXT",
        ]),
      BreakerTables(
        "every_type",
        [
          "none", "int INT", "tiny TINYINT", "big BIGINT", "real REAL", "float FLOAT", "money NUMERIC(10,2)",
          "flag BOOLEAN", "at DATETIME", "day DATE", "hour TIME", "stamp TIMESTAMP", "long TEXT",
          "short VARCHAR(10)",
          "bytes BLOB", "document JSON", "ident UUID",
        ]),
    ] + [
      // Of one mind each, but for their breakers: here a type can be chosen for the values that are there.
      BreakerTables("integers", ["value INTEGER"]) { _ in BreakerValue.numbers },
      BreakerTables("tiny_integers", ["value TINYINT"]) { _ in BreakerValue.numbers },
      BreakerTables("reals", ["value REAL"]) { _ in BreakerValue.numbers },
      BreakerTables("amounts", ["value NUMERIC(10,2)"]) { _ in BreakerValue.numbers },
      BreakerTables("flags", ["value BOOLEAN"]) { _ in BreakerValue.booleans },
      BreakerTables("moments", ["value DATETIME"]) { _ in BreakerValue.times },
      BreakerTables("days", ["value DATE"]) { _ in BreakerValue.times },
      BreakerTables("stamps", ["value TIMESTAMP"]) { _ in BreakerValue.times },
      BreakerTables("words", ["value TEXT"]) { _ in BreakerValue.texts },
      BreakerTables("short_words", ["value VARCHAR(10)"]) { _ in BreakerValue.texts },
      BreakerTables("bytes", ["value BLOB"]) { _ in BreakerValue.blobs },
      BreakerTables("documents", ["value JSON"]) { _ in BreakerValue.documents },
      BreakerTables("vectors", ["embedding BLOB"]) { _ in BreakerValue.embeddings },
      BreakerTables("untyped", ["value"]) { BreakerValue.all(largest: $0) },
    ]

  private init(
    _ name: String, _ columns: [String],
    values: @escaping @Sendable (_ largest: Int) -> [BreakerValue] = { BreakerValue.all(largest: $0) }
  ) {
    self.name = name
    self.columns = columns
    self.values = values
  }

  /// What makes the table.
  var sql: String {
    "CREATE TABLE \(name) (id INTEGER PRIMARY KEY AUTOINCREMENT, label TEXT, \(columns.joined(separator: ", ")));\n"
  }

  /// Inserts a row for each value; a large one stands in the first column alone.
  func fill(_ connection: SQLiteConnection, largest: Int) throws {
    for value in values(largest) {
      let marks = columns.indices.map { value.isLarge && $0 > 0 ? "NULL" : "?2" }.joined(separator: ", ")
      try connection.execute(
        "INSERT INTO \(name) VALUES (NULL, ?1, \(marks))", [.text(value.label), value.value])
    }
  }
}
