// What a way down takes away from a Postgres database: kept aside, and brought back by the next way up.

internal import Postgres

/// Rows and columns that an older schema has no place for; see `SQLiteKept`, which does the same.
///
/// While they come back, triggers of the tables do not fire: the rows are as they were.
struct PostgresKept {
  let tables: MigrationTables
  let place: String
  let connection: PostgresConnection
  let options: MigrationOptions

  private struct Undone: Error {}

  /// A table as far as it matters here.
  private struct Table {
    let columns: [String]
    let keys: [String]
    /// Columns whose value may differ from NULL in a row that nobody has set it in.
    let defaults: Set<String>
  }

  private func quoted(_ name: String) -> String {
    PostgresIdentifier.quoted(place) + "." + PostgresIdentifier.quoted(name)
  }

  private func keptName(_ id: Int) -> String { quoted("\(tables.kept)_\(id)") }

  // MARK: - Down

  func keepAside(version: Int, _ goDown: () async throws -> Void) async throws {
    let before = try await read()
    var after: [String: Table] = [:]
    do {
      try await connection.transaction { _ in
        try await goDown()
        after = try await read()
        throw Undone()
      }
    } catch is Undone {}
    for (name, table) in before.sorted(by: { $0.key < $1.key }) {
      guard let left = after[name] else {
        try await keep(version, name, table.columns, keys: [], from: "TRUE")
        continue
      }
      let lost = table.columns.filter { !left.columns.contains($0) }
      guard !lost.isEmpty else { continue }
      // A table without a key is known by all that is left of its rows.
      let keys =
        table.keys.isEmpty
        ? ["ROW(\(left.columns.map(PostgresIdentifier.quoted).joined(separator: ", ")))::text"]
        : table.keys.map(PostgresIdentifier.quoted)
      let isSet =
        table.defaults.isDisjoint(with: lost)
        ? lost.map { "\(PostgresIdentifier.quoted($0)) IS NOT NULL" }.joined(separator: " OR ") : "TRUE"
      let sources = options.derivedColumns.filter { $0.table == name && lost.contains($0.column) }
        .flatMap(\.sources).filter { left.columns.contains($0) && !table.keys.contains($0) }
      try await keep(version, name, lost + Set(sources).sorted(), keys: keys, from: isSet)
    }
  }

  private func keep(
    _ version: Int, _ table: String, _ columns: [String], keys: [String], from condition: String
  ) async throws {
    let isAny = try await connection.queryOne(
      "SELECT EXISTS (SELECT FROM \(unsafeSQL: quoted(table)) WHERE \(unsafeSQL: condition))")
    guard try isAny?.decode(0, as: Bool.self) == true else { return }
    let kept = try await connection.queryOne("SELECT to_regclass(\(quoted(tables.kept))) IS NULL")
    if try kept?.decode(0, as: Bool.self) == true {
      try await connection.execute(
        """
        CREATE TABLE \(unsafeSQL: quoted(tables.kept)) (
          id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, version integer NOT NULL, table_name text NOT NULL,
          key_count integer NOT NULL, kept_at timestamptz NOT NULL DEFAULT now())
        """)
    }
    let row = try await connection.queryOne(
      """
      INSERT INTO \(unsafeSQL: quoted(tables.kept)) (version, table_name, key_count)
      VALUES (\(version), \(table), \(keys.count)) RETURNING id
      """)
    let list = keys.enumerated().map { "\($1) AS kept_key_\($0)" } + columns.map(PostgresIdentifier.quoted)
    try await connection.execute(
      """
      CREATE TABLE \(unsafeSQL: keptName(try row?.decode(0) ?? 0)) AS
      SELECT \(unsafeSQL: list.joined(separator: ", ")) FROM \(unsafeSQL: quoted(table)) WHERE \(unsafeSQL: condition)
      """)
  }

  // MARK: - Up

  func bringBack(version: Int) async throws {
    let found = try await connection.queryOne("SELECT to_regclass(\(quoted(tables.kept))) IS NOT NULL")
    guard try found?.decode(0, as: Bool.self) == true else { return }
    let lines = try await connection.query(
      """
      SELECT id, table_name, key_count FROM \(unsafeSQL: quoted(tables.kept)) WHERE version = \(version)
      ORDER BY id DESC
      """)
    let now = try await read()
    var rowTables: [(kept: String, target: String)] = []
    for line in lines {
      let kept = keptName(try line.decode(0))
      let name: String = try line.decode(1)
      guard let table = now[name] else { continue }
      if try line.decode(2, as: Int.self) == 0 {
        rowTables.append((kept, name))
      } else {
        try await withoutTriggers(of: name) { try await bringBackColumns(of: kept, to: name, table) }
        try await connection.execute("DROP TABLE \(unsafeSQL: kept)")
      }
    }
    // A child's row can come when its parent's has.
    var hasMoved = true
    while hasMoved {
      hasMoved = false
      for (kept, target) in rowTables {
        guard let table = now[target] else { continue }
        try await withoutTriggers(of: target) {
          if try await bringBackRows(of: kept, to: target, table) > 0 { hasMoved = true }
        }
      }
    }
    for (kept, target) in rowTables {
      try await raiseSequences(of: target)
      let left = try await connection.queryOne("SELECT EXISTS (SELECT FROM \(unsafeSQL: kept))")
      if try left?.decode(0, as: Bool.self) == false {
        try await connection.execute("DROP TABLE \(unsafeSQL: kept)")
      }
    }
    let prefix = quoted(tables.kept).dropLast() + "_"
    try await connection.execute(
      """
      DELETE FROM \(unsafeSQL: quoted(tables.kept)) WHERE version = \(version)
        AND to_regclass(\(String(prefix)) || id || '"') IS NULL
      """)
    let left = try await connection.queryOne("SELECT EXISTS (SELECT FROM \(unsafeSQL: quoted(tables.kept)))")
    if try left?.decode(0, as: Bool.self) == false {
      try await connection.execute("DROP TABLE \(unsafeSQL: quoted(tables.kept))")
    }
  }

  private func columns(of table: String) async throws -> [String] {
    let rows = try await connection.query(
      """
      SELECT attname::text FROM pg_attribute
      WHERE attrelid = to_regclass(\(table)) AND attnum > 0 AND NOT attisdropped ORDER BY attnum
      """)
    return try rows.map { try $0.decode(0) }
  }

  private func bringBackColumns(of kept: String, to name: String, _ table: Table) async throws {
    let held = try await columns(of: kept)
    let keys = held.filter { $0.hasPrefix("kept_key_") }
    let back = held.filter { !keys.contains($0) && table.columns.contains($0) }
    let derived = options.derivedColumns.filter { $0.table == name && held.contains($0.column) }
    let join: [String]
    if table.keys.isEmpty {
      let left = table.columns.filter { !held.contains($0) }
      join = [
        "ROW(\(left.map { "target." + PostgresIdentifier.quoted($0) }.joined(separator: ", ")))::text = kept.kept_key_0"
      ]
    } else {
      join = zip(keys, table.keys).map { "target.\(PostgresIdentifier.quoted($1)) = kept.\($0)" }
    }
    guard !keys.isEmpty, table.keys.isEmpty || keys.count == table.keys.count else { return }
    for column in back where !derived.contains(where: { $0.sources.contains(column) }) {
      let sources = derived.first { $0.column == column }?.sources ?? []
      let same = sources.filter { held.contains($0) && !table.keys.contains($0) }.map {
        "target.\(PostgresIdentifier.quoted($0)) IS NOT DISTINCT FROM kept.\(PostgresIdentifier.quoted($0))"
      }
      let quotedColumn = PostgresIdentifier.quoted(column)
      try await connection.execute(
        """
        UPDATE \(unsafeSQL: quoted(name)) AS target SET \(unsafeSQL: quotedColumn) = kept.\(unsafeSQL: quotedColumn)
        FROM \(unsafeSQL: kept) AS kept WHERE \(unsafeSQL: (join + same).joined(separator: " AND "))
        """)
    }
  }

  private func bringBackRows(of kept: String, to name: String, _ table: Table) async throws -> Int {
    let held = try await columns(of: kept).filter { table.columns.contains($0) }.map(
      PostgresIdentifier.quoted)
    let list = held.joined(separator: ", ")
    let parents = try await connection.query(
      """
      SELECT confrelid::regclass::text,
        ARRAY(SELECT attname::text FROM unnest(conkey) WITH ORDINALITY AS k(number, place)
          JOIN pg_attribute ON attrelid = conrelid AND attnum = number ORDER BY place),
        ARRAY(SELECT attname::text FROM unnest(confkey) WITH ORDINALITY AS k(number, place)
          JOIN pg_attribute ON attrelid = confrelid AND attnum = number ORDER BY place)
      FROM pg_constraint WHERE contype = 'f' AND conrelid = to_regclass(\(quoted(name))) AND confrelid <> conrelid
      """)
    var conditions: [String] = []
    for row in parents {
      let parent: String = try row.decode(0)
      let own = try row.decode(1, as: [String].self).map { "kept." + PostgresIdentifier.quoted($0) }
      let theirs = try row.decode(2, as: [String].self).map { "parent." + PostgresIdentifier.quoted($0) }
      let isNull = own.map { "\($0) IS NULL" }.joined(separator: " OR ")
      let same = zip(own, theirs).map { "\($0) = \($1)" }.joined(separator: " AND ")
      conditions.append("(\(isNull) OR EXISTS (SELECT FROM \(parent) AS parent WHERE \(same)))")
    }
    let condition = conditions.isEmpty ? "TRUE" : conditions.joined(separator: " AND ")
    let moved = try await connection.execute(
      """
      INSERT INTO \(unsafeSQL: quoted(name)) (\(unsafeSQL: list)) OVERRIDING SYSTEM VALUE
      SELECT \(unsafeSQL: list) FROM \(unsafeSQL: kept) AS kept WHERE \(unsafeSQL: condition) ON CONFLICT DO NOTHING
      """)
    // Also what a row of the same key stands in for.
    try await connection.execute("DELETE FROM \(unsafeSQL: kept) AS kept WHERE \(unsafeSQL: condition)")
    return moved
  }

  /// Sets the sequences of a table past its highest numbers.
  private func raiseSequences(of table: String) async throws {
    let rows = try await connection.query(
      """
      SELECT attname::text, pg_get_serial_sequence(\(quoted(table)), attname) FROM pg_attribute
      WHERE attrelid = to_regclass(\(quoted(table))) AND attnum > 0 AND NOT attisdropped
        AND pg_get_serial_sequence(\(quoted(table)), attname) IS NOT NULL
      """)
    for row in rows {
      let column: String = try row.decode(0)
      let sequence: String = try row.decode(1)
      try await connection.execute(
        """
        SELECT setval(\(sequence)::regclass, highest) FROM (
          SELECT max(\(identifier: column))::bigint AS highest FROM \(unsafeSQL: quoted(table))) AS held
        WHERE highest >= (SELECT coalesce(pg_sequence_last_value(\(sequence)::regclass), 1))
        """)
    }
  }

  private func withoutTriggers(of table: String, _ body: () async throws -> Void) async throws {
    let rows = try await connection.query(
      """
      SELECT tgname::text FROM pg_trigger
      WHERE tgrelid = to_regclass(\(quoted(table))) AND NOT tgisinternal AND tgenabled = 'O'
      """)
    let names = try rows.map { try $0.decode(0, as: String.self) }
    for name in names {
      try await connection.execute(
        "ALTER TABLE \(unsafeSQL: quoted(table)) DISABLE TRIGGER \(identifier: name)")
    }
    try await body()
    for name in names {
      try await connection.execute(
        "ALTER TABLE \(unsafeSQL: quoted(table)) ENABLE TRIGGER \(identifier: name)")
    }
  }

  // MARK: - Tables

  /// The tables of the schema that are no extension's, by name.
  private func read() async throws -> [String: Table] {
    let rows = try await connection.query(
      """
      SELECT relname::text,
        ARRAY(SELECT attname::text FROM pg_attribute WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped
          AND attgenerated = '' ORDER BY attnum),
        ARRAY(SELECT attname::text FROM pg_index, unnest(indkey) WITH ORDINALITY AS k(number, place)
          JOIN pg_attribute ON attrelid = c.oid AND attnum = number
          WHERE indrelid = c.oid AND indisprimary ORDER BY place),
        ARRAY(SELECT attname::text FROM pg_attribute WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped
          AND (atthasdef OR attidentity <> ''))
      FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = relnamespace
      WHERE nspname = \(place) AND relkind IN ('r', 'p') AND NOT relispartition
        AND NOT EXISTS (SELECT FROM pg_depend WHERE classid = 'pg_class'::regclass AND objid = c.oid AND deptype = 'e')
      """)
    var found: [String: Table] = [:]
    for row in rows {
      let name: String = try row.decode(0)
      guard !tables.contains(name) else { continue }
      found[name] = Table(
        columns: try row.decode(1), keys: try row.decode(2),
        defaults: Set(try row.decode(3, as: [String].self)))
    }
    return found
  }
}
