// The legacy file that every contender of the benchmark reads.

internal import DemoFleet
internal import SQLite

/// A legacy file in the benchmark's own folder: made for it, or a copy of the user's, which nobody may change.
struct ImportBenchSource: Sendable {
  /// A table as other programs move it.
  struct Table: Sendable {
    let name: String
    /// The columns of its primary key, in their order; none where it has none.
    let key: [String]
  }

  let path: String
  /// Its ordinary tables, without SQLite's own.
  let tables: [Table]
  /// The rows of those tables.
  let rows: Int

  /// Makes a file of guide 1's memories, metrics and executions, so many rows each.
  static func make(_ path: String, rows: Int) throws -> ImportBenchSource {
    try DemoFleet.makeLarge(path, rows: 3 * rows)
    return try ImportBenchSource(path)
  }

  /// Copies a file as it is at this moment, write-ahead log included.
  static func copy(of file: String, to path: String) throws -> ImportBenchSource {
    guard SQLiteFile.kind(file) != .missing else {
      throw Failure("there is no file \(file)", advice: "give a SQLite file with --sqlite FILE")
    }
    try SQLiteConnection.snapshot(of: file).backup(to: path)
    return try ImportBenchSource(path)
  }

  private init(_ path: String) throws {
    self.path = path
    let connection = try SQLiteConnection(path: path, access: .readOnly)
    let names = try connection.query(
      "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name"
    ).compactMap(Self.text)
    tables = try names.map { name in
      let key = try connection.query(
        "SELECT name FROM pragma_table_info(?1) WHERE pk > 0 ORDER BY pk", [.text(name)])
      return Table(name: name, key: key.compactMap(Self.text))
    }
    rows = try names.reduce(0) { sum, name in
      let count = try connection.queryOne("SELECT count(*) FROM \(SQLiteIdentifier.quoted(name))")?[0].int64
      return sum + Int(count ?? 0)
    }
  }

  private static func text(_ row: SQLiteRow) -> String? {
    if case .text(let text) = row[0] { text } else { nil }
  }
}
