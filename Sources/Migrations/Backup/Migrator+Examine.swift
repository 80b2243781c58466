// What a database is like after its steps: sound, and with how many rows.

internal import Postgres
internal import SQLite

/// What was found in a database.
public struct SchemaExamination: Sendable, Hashable {
  /// Damage that SQLite finds; on Postgres, indexes and constraints that do not hold. None where all is sound.
  public let faults: [String]
  /// How many rows each table has, by name.
  public let counts: [String: Int]
}

extension Migrator {
  /// Looks for damage, and counts the rows of all tables.
  ///
  /// - Throws: `unavailable`.
  @concurrent public func examine() async throws -> SchemaExamination {
    switch database {
    case .sqlite(let path):
      return try await Self.withFile(path, makes: false, wait: options.lockWait) { connection in
        try connection.transaction(.deferred) {
          var counts: [String: Int] = [:]
          let names = try connection.query(
            """
            SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table'
              AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'
            """
          ).compactMap { $0[0].string }
          for name in names {
            let row = try connection.queryOne("SELECT count(*) FROM main.\(SQLiteIdentifier.quoted(name))")
            counts[name] = Int(row?[0].int64 ?? 0)
          }
          return SchemaExamination(faults: try connection.integrityCheck(), counts: counts)
        }
      }
    case .postgres(let configuration):
      return try await Self.withConnection(configuration) { connection in
        let faults = try await connection.query(
          """
          SELECT 'the index ' || indexrelid::regclass || ' is not valid' FROM pg_index JOIN pg_class ON pg_class.oid = indrelid
            WHERE NOT indisvalid AND relnamespace = current_schema()::regnamespace
          UNION ALL SELECT 'the constraint ' || conname || ' of ' || conrelid::regclass || ' is not validated' FROM pg_constraint
            WHERE NOT convalidated AND connamespace = current_schema()::regnamespace
          """)
        let names = try await connection.query(
          "SELECT relname::text FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p')"
        )
        var counts: [String: Int] = [:]
        for row in names {
          let name: String = try row.decode(0)
          counts[name] = try await connection.queryOne("SELECT count(*) FROM \(identifier: name)")?.decode(0)
        }
        return SchemaExamination(faults: try faults.map { try $0.decode(0) }, counts: counts)
      }
    }
  }
}
