// What is known to break importers, collected from the issue trackers of those that there are: files to try one's teeth on.

import Foundation
import SQLite

/// Makes legacy files that hold every value, name, table and file that is known to break importers.
///
/// Every breaker has a label. That of a value stands in the column `label` of its row; that of a table in ``about``; that of
/// a file in `DemoFile.about`. So a test that misses something can say what it is.
public enum Breakers {
  /// The table's own label: what is odd about it.
  public struct Table: Sendable, Hashable {
    /// The name, as declared.
    public let name: String
    /// What is odd about it.
    public let about: String
  }

  /// Makes the sound files below a folder: the values in every column of every kind of table, odd tables and names, odd keys,
  /// and the same in UTF-16. The last rows of the first file stand in a write-ahead log that nothing has merged.
  ///
  /// - Parameters:
  ///   - folder: made where it is not there.
  ///   - largest: bytes of the largest value.
  /// - Throws: where one of the files is there already, or cannot be written.
  @discardableResult
  public static func make(in folder: String, largest: Int = 5_000_000) throws -> [DemoFile] {
    try [values(largest: largest), tables, keys, wide].map { try $0.write(in: folder) }
  }

  /// Makes one file that holds what the first, the second and the third of ``make(in:largest:)`` hold, for a verb that takes a
  /// single file.
  ///
  /// - Parameter leavingOut: odd tables that it is made without, by their names in ``about``.
  @discardableResult
  public static func makeOne(
    in folder: String, largest: Int = 5_000_000, leavingOut: Set<String> = []
  ) throws -> DemoFile {
    let values = values(largest: largest)
    let tables = oddTables.filter { !leavingOut.contains($0.name) }
    return try LegacyShape(
      path: "odd/all/memory.db", about: "all breakers in one file",
      sql: values.sql + tables.map(\.sql).joined(separator: "\n") + keys.sql,
      rows: { connection in
        try values.rows(connection)
        try keys.rows(connection)
      }, leftInLog: values.leftInLog, memories: nil
    ).write(in: folder)
  }

  /// The odd tables, and what is odd about each.
  public static let about: [Table] = oddTables.map { Table(name: $0.name, about: $0.about) }

  // MARK: - The files

  private static func values(largest: Int) -> LegacyShape {
    LegacyShape(
      path: "odd/values/memory.db", about: "every odd value in every column, the last ones in a log",
      sql: BreakerTables.all.map(\.sql).joined(),
      rows: { connection in
        for table in BreakerTables.all { try table.fill(connection, largest: largest) }
      },
      leftInLog: """
        INSERT INTO memory (label, content) VALUES ('only in the log', 'only in the log');
        INSERT INTO integers (label, value) VALUES ('only in the log', 1);
        """,
      memories: nil)
  }

  private static var tables: LegacyShape {
    LegacyShape(
      path: "odd/tables/memory.db", about: "odd tables and odd names",
      sql: oddTables.map(\.sql).joined(separator: "\n") + """

        ANALYZE;
        PRAGMA user_version = 42;
        PRAGMA application_id = 4711;

        """,
      memories: nil)
  }

  private static var keys: LegacyShape {
    LegacyShape(
      path: "odd/keys/memory.db", about: "odd values as keys and names",
      sql: """
        CREATE TABLE keyed_memory (label TEXT, key, namespace, value TEXT);
        CREATE TABLE key_memory (key PRIMARY KEY, label TEXT);
        CREATE TABLE text_key_notes (key TEXT PRIMARY KEY, label TEXT);
        CREATE TABLE bare_key_notes (key PRIMARY KEY, label TEXT) WITHOUT ROWID;
        CREATE TABLE named_tools (label TEXT, name);
        CREATE TABLE named_metrics (label TEXT, metric_name, value REAL);
        CREATE TABLE named_executions (label TEXT, task);
        CREATE TABLE owned_memory (label TEXT, agent_id, value TEXT);

        """,
      rows: { connection in
        for value in BreakerValue.all(largest: 100_000) {
          let label = SQLiteValue.text(value.label)
          for insert in [
            "INSERT INTO keyed_memory VALUES (?2, ?1, NULL, 'as a key'), (?2, 'k', ?1, 'as a namespace')",
            "INSERT OR IGNORE INTO key_memory VALUES (?1, ?2)",
            "INSERT OR IGNORE INTO text_key_notes VALUES (?1, ?2)",
            "INSERT INTO named_tools VALUES (?2, ?1)", "INSERT INTO named_metrics VALUES (?2, ?1, 1)",
            "INSERT INTO named_executions VALUES (?2, ?1)", "INSERT INTO owned_memory VALUES (?2, ?1, 'v')",
          ] { try connection.execute(insert, [value.value, label]) }
          guard value.value != .null else { continue }
          try connection.execute(
            "INSERT OR IGNORE INTO bare_key_notes VALUES (?1, ?2)", [value.value, label])
        }
      },
      memories: nil)
  }

  private static var wide: LegacyShape {
    LegacyShape(
      path: "odd/wide/memory.db", about: "UTF-16, and what is odd there",
      pragmas: "PRAGMA encoding = 'UTF-16be'",
      sql: """
        CREATE TABLE memory (id INTEGER PRIMARY KEY, label TEXT, content TEXT, metadata TEXT);
        CREATE TABLE "größe_metrics" ("größe" TEXT PRIMARY KEY, value REAL) WITHOUT ROWID;
        INSERT INTO "größe_metrics" VALUES ('é', 1.5), ('e\u{301}', 2.5), ('😀', -0.0), ('z', 9e999);

        """,
      rows: { connection in
        for value in BreakerValue.texts + BreakerValue.documents where value.fitsUTF16 {
          try connection.execute(
            "INSERT INTO memory (label, content, metadata) VALUES (?, ?, '{\"a\": \"é\"}')",
            [.text(value.label), value.value])
        }
      },
      memories: nil)
  }
}
