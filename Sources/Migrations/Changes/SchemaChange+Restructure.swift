// A table that is made anew: new table, copy, comparison of counts and contents, swap; the old one is kept.

extension SchemaChange {
  /// A column of the new table.
  public struct Column: Sendable, Hashable {
    enum Kind: Sendable, Hashable {
      case carried
      case converted(from: String, back: Back?)
      case added(value: String)
    }

    /// A column of the old table, and SQL over the new table's columns that gives its value.
    public struct Back: Sendable, Hashable {
      let column: String
      let expression: String

      /// A column and its value.
      public init(_ column: String, from expression: String) {
        self.column = column
        self.expression = expression
      }
    }

    let name: String
    let kind: Kind

    /// A column that both tables have.
    public static func carried(_ name: String) -> Column { Column(name: name, kind: .carried) }

    /// A column that is made from columns of the old table, and the column of the old table that is made from it again.
    ///
    /// - Parameters:
    ///   - expression: SQL over the old table's columns.
    ///   - back: what gives the old column its value again; nil where the old table has none for it.
    public static func converted(_ name: String, from expression: String, back: Back? = nil) -> Column {
      Column(name: name, kind: .converted(from: expression, back: back))
    }

    /// A column that the old table has nothing for.
    ///
    /// - Parameter value: what rows get that come from the old table: SQL of a constant.
    public static func added(_ name: String, value: String) -> Column {
      Column(name: name, kind: .added(value: value))
    }
  }

  /// Makes a table anew with other columns. The old one stays beside it as `NAME_v1_backup`.
  ///
  /// Gradually, new code writes to `NAME_v2` until the third step gives that table its name, while old code goes on with NAME;
  /// behind it, old code goes on if the new table has a default for every column that it does not know.
  ///
  /// On the way back the old table gets all that was written since, as far as it has columns for it; what it has none for comes back
  /// with the next way up. In Postgres, references of other tables and rights go along with the name; a view on the table stops
  /// the change before it begins, and so does a trigger of its own.
  ///
  /// - Parameters:
  ///   - definition: what stands in the brackets of `CREATE TABLE`; in it a column for each of `columns`.
  ///   - columns: all columns of the new table, and where their values come from.
  ///   - indexes: statements that make the new table's indexes, on the table's own name; they are run behind the copy.
  public static func restructure(
    _ table: Table, definition: String, columns: [Column], indexes: [String] = [], pace: Pace = .atOnce
  ) -> SchemaChange {
    let restructuring = Restructuring(
      table: table, definition: definition, columns: columns, indexes: indexes)
    switch pace {
    case .atOnce: return SchemaChange([restructuring.atOnce])
    case .gradual(let batch): return SchemaChange(restructuring.gradual(batch: batch))
    }
  }
}

/// The SQL of a restructuring.
private struct Restructuring {
  let table: SchemaChange.Table
  let definition: String
  let columns: [SchemaChange.Column]
  let indexes: [String]

  private var old: String { table.sql }
  private var new: String { table.side("v2") }
  private var backup: String { table.side("v1_backup") }
  /// The new table as a way back has left it: what it alone could hold comes from here.
  private var kept: String { table.side("v2_kept") }

  // MARK: Columns

  private var names: String { columns.map { table.quoted($0.name) }.joined(separator: ", ") }

  /// The new table's values, as SQL over a row of the old one.
  private func values() -> [String] {
    columns.map { column in
      switch column.kind {
      case .carried: table.quoted(column.name)
      case .converted(let expression, _): expression
      case .added(let value): value
      }
    }
  }

  /// The old table's columns that the new one has values for, with SQL over a row of the new one.
  private var back: [(column: String, value: String)] {
    columns.compactMap { column in
      switch column.kind {
      case .carried: (column.name, table.quoted(column.name))
      case .converted(_, let back): back.map { ($0.column, $0.expression) }
      case .added: nil
      }
    }
  }

  private var added: [String] {
    columns.compactMap { if case .added = $0.kind { table.quoted($0.name) } else { nil } }
  }

  /// Names of columns and their values, to compare rows by; the database's own text of them, as not every type can be compared.
  private func content(ofOld isOld: Bool) -> String {
    let compared = zip(columns, values()).filter { column, _ in
      switch column.kind {
      case .added: false
      case .carried, .converted: true
      }
    }
    let list = compared.map { isOld ? $1 : table.quoted($0.name) }
    switch table.dialect {
    case .sqlite:
      return list.enumerated().map { "\($1) AS c\($0), typeof(\($1)) AS t\($0)" }.joined(separator: ", ")
    case .postgres: return "ROW(\(list.joined(separator: ", ")))::text AS content"
    }
  }

  /// Checks that two tables hold the same rows: as many, and none in either that is not in the other.
  private func same(_ oldTable: String, _ newTable: String) -> [String] {
    let there = "SELECT \(content(ofOld: true)) FROM \(oldTable)"
    let here = "SELECT \(content(ofOld: false)) FROM \(newTable)"
    return [
      """
      SELECT (SELECT count(*) FROM \(oldTable)) = (SELECT count(*) FROM \(newTable)),
        'the tables have ' || (SELECT count(*) FROM \(oldTable)) || ' and ' || (SELECT count(*) FROM \(newTable)) || ' rows'
      """,
      table.none(
        "(\(there) EXCEPT \(here)) AS lost", "rows of the old table are not in the new one as they were"),
      table.none("(\(here) EXCEPT \(there)) AS other", "rows of the new table are not those of the old one"),
    ]
  }

  // MARK: Copies

  private func copy(_ part: String? = nil) -> String {
    let rows = part.map { "WHERE \($0)" } ?? "WHERE TRUE"
    // A row that is deleted meanwhile is waited for, and then not copied.
    let lock = table.dialect == .postgres && part != nil ? " FOR SHARE" : ""
    return """
      INSERT INTO \(new) (\(names))
        SELECT \(values().joined(separator: ", ")) FROM \(old) \(rows)\(lock)
        ON CONFLICT DO NOTHING
      """
  }

  /// Gives the new table back what it alone could hold before a way back.
  private var bringBack: [String] {
    guard !added.isEmpty else { return [] }
    let list = added.map { "\($0) = kept.\($0)" }.joined(separator: ", ")
    return [
      "CREATE TABLE IF NOT EXISTS \(kept) AS SELECT * FROM \(new) LIMIT 0",
      "UPDATE \(new) SET \(list) FROM \(kept) AS kept WHERE \(new).\(table.keySQL) = kept.\(table.keySQL)",
      "DROP TABLE \(kept)",
    ]
  }

  /// Writes into the old table what was written into the new one since.
  private func refresh(_ oldTable: String, from newTable: String) -> [String] {
    let others = back.filter { $0.column != table.key }.map { table.quoted($0.column) }
    let settings = others.map { "\($0) = excluded.\($0)" }.joined(separator: ", ")
    return [
      "DELETE FROM \(oldTable) WHERE \(table.keySQL) NOT IN (SELECT \(table.keySQL) FROM \(newTable))",
      """
      INSERT INTO \(oldTable) (\(back.map { table.quoted($0.column) }.joined(separator: ", ")))
        SELECT \(back.map(\.value).joined(separator: ", ")) FROM \(newTable) WHERE TRUE
        ON CONFLICT (\(table.keySQL)) DO UPDATE SET \(settings)
      """,
    ]
  }

  // MARK: Swap

  /// Gives one table the name of the other. What refers to the table by its name refers to the new one.
  private func swap(_ first: (from: String, to: String), _ second: (from: String, to: String)) -> [String] {
    let renames = [first, second].map { "ALTER TABLE \($0.from) RENAME TO \($0.to)" }
    switch table.dialect {
    case .sqlite:
      // Without this, renaming a table changes what refers to it.
      return ["PRAGMA legacy_alter_table = ON"] + renames + ["PRAGMA legacy_alter_table = OFF"]
    case .postgres: return renames + [follow(from: first.to, to: second.to)]
    }
  }

  /// References to the table and rights on it, which Postgres knows by its number, go along with the name.
  private func follow(from: String, to: String) -> String {
    """
    DO $$
    DECLARE
      item record;
    BEGIN
      FOR item IN SELECT conname, conrelid::regclass AS owner, pg_get_constraintdef(oid) AS definition FROM pg_constraint
        WHERE contype = 'f' AND confrelid = \(table.literal(from))::regclass AND conrelid <> confrelid
      LOOP
        EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', item.owner, item.conname);
        EXECUTE format('ALTER TABLE %s ADD CONSTRAINT %I %s', item.owner, item.conname,
          replace(item.definition, 'REFERENCES ' || \(table.literal(from))::regclass || '(', 'REFERENCES ' || \(table.literal(to))::regclass || '('));
      END LOOP;
      FOR item IN SELECT privilege_type, CASE grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(grantee)) END AS name
        FROM pg_class, aclexplode(relacl) WHERE oid = \(table.literal(from))::regclass AND grantee <> relowner
      LOOP
        EXECUTE format('GRANT %s ON %s TO %s', item.privilege_type, \(table.literal(to)), item.name);
      END LOOP;
    END
    $$
    """
  }

  private var swapUp: [String] { swap((old, backup), (new, old)) + indexes }
  private var swapDown: [String] { swap((old, new), (backup, old)) }

  // MARK: Checks

  private var checks: [String] {
    var checks = table.rowVersionCheck
    if table.dialect == .postgres {
      checks += [
        """
        SELECT count(*) = 0, 'a view reads \(table.name): ' || string_agg(DISTINCT ev_class::regclass::text, ', ') FROM pg_depend
          JOIN pg_rewrite ON pg_rewrite.oid = objid WHERE refobjid = to_regclass(\(table.literal(old)))
            AND classid = 'pg_rewrite'::regclass
        """,
        """
        SELECT count(*) = 0, '\(table.name) has a trigger, which would stay with the old table: ' || string_agg(tgname, ', ')
          FROM pg_trigger WHERE tgrelid = to_regclass(\(table.literal(old))) AND NOT tgisinternal
        """,
      ]
    } else {
      checks += [
        """
        SELECT count(*) = 0, 'the table has a trigger, which would stay with the old one: ' || group_concat(name)
          FROM sqlite_schema WHERE type = 'trigger' AND tbl_name = \(table.literal(table.name))
        """
      ]
    }
    return checks
  }

  // MARK: Parts

  private var make: String { "CREATE TABLE \(new) (\n\(definition)\n)" }

  var atOnce: SchemaChange.Part {
    SchemaChange.Part(
      name: "restructure_\(table.name)", up: [make, copy()] + bringBack + swapUp,
      down: refresh(backup, from: old) + swapDown + keepNew, checkBefore: checks,
      checkAfter: same(backup, old), carriesAll: true)
  }

  /// What the new table alone can hold is kept with it.
  private var keepNew: [String] {
    added.isEmpty
      ? ["DROP TABLE \(new)"]
      : [
        "CREATE TABLE \(kept) AS SELECT * FROM \(new)", "DROP TABLE \(new)",
      ]
  }

  func gradual(batch: Int) -> [SchemaChange.Part] {
    [
      SchemaChange.Part(
        name: "restructure_\(table.name)_begin", up: [make] + keepInStep, down: leaveStep + keepNew,
        checkBefore: checks, carriesAll: true),
      SchemaChange.Part(
        name: "restructure_\(table.name)_fill",
        up: table.walk("v2_fill", batch: batch) { [copy($0)] } + bringBack, down: [],
        checkAfter: same(old, new),
        isGradual: true),
      SchemaChange.Part(
        name: "restructure_\(table.name)_complete", up: leaveStep + swapUp,
        down: refresh(backup, from: old) + swapDown + keepInStep, checkBefore: same(old, new),
        checkAfter: same(backup, old), carriesAll: true),
    ]
  }

  // MARK: Both tables in step

  private func trigger(_ suffix: String) -> String { table.side("in_step_\(suffix)") }

  /// Writes the row of a key into the new table as the old one has it.
  private func toNew(_ key: String) -> String {
    let carried = zip(columns, values()).filter { column, _ in
      if case .added = column.kind { false } else { column.name != table.key }
    }
    let settings = carried.map { "\(table.quoted($0.0.name)) = excluded.\(table.quoted($0.0.name))" }
    return """
      INSERT INTO \(new) (\(names)) SELECT \(values().joined(separator: ", ")) FROM \(old) WHERE \(table.keySQL) = \(key)
          ON CONFLICT (\(table.keySQL)) DO UPDATE SET \(settings.joined(separator: ", "))
      """
  }

  /// Writes the row of a key into the old table as the new one has it.
  private func toOld(_ key: String) -> String {
    let settings = back.filter { $0.column != table.key }.map { table.quoted($0.column) }.map {
      "\($0) = excluded.\($0)"
    }
    return """
      INSERT INTO \(old) (\(back.map { table.quoted($0.column) }.joined(separator: ", ")))
          SELECT \(back.map(\.value).joined(separator: ", ")) FROM \(new) WHERE \(table.keySQL) = \(key)
          ON CONFLICT (\(table.keySQL)) DO UPDATE SET \(settings.joined(separator: ", "))
      """
  }

  /// Old code writes the old table, new code the new one: who writes one has written the other.
  private var keepInStep: [String] {
    let ways = [
      (name: "old", from: old, to: new, write: toNew), (name: "new", from: new, to: old, write: toOld),
    ]
    return ways.flatMap { way -> [String] in
      let name = trigger(way.name)
      guard table.dialect == .postgres else {
        return sqliteTriggers(way.name, from: way.from, to: way.to, way.write)
      }
      return [
        """
        CREATE OR REPLACE FUNCTION \(name)() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
          IF TG_OP <> 'INSERT' AND (TG_OP = 'DELETE' OR NEW.\(table.keySQL) IS DISTINCT FROM OLD.\(table.keySQL)) THEN
            DELETE FROM \(way.to) WHERE \(table.keySQL) = OLD.\(table.keySQL);
          END IF;
          IF TG_OP <> 'DELETE' THEN
            \(way.write("NEW.\(table.keySQL)"));
          END IF;
          RETURN NULL;
        END
        $$
        """,
        // What the other table's trigger writes is in step already.
        """
        CREATE OR REPLACE TRIGGER \(name) AFTER INSERT OR UPDATE OR DELETE ON \(way.from) FOR EACH ROW
          WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION \(name)()
        """,
      ]
    }
  }

  private func sqliteTriggers(
    _ name: String, from: String, to: String, _ write: (_ key: String) -> String
  ) -> [String] {
    let compared = zip(columns, values()).filter { column, _ in
      if case .added = column.kind { false } else { true }
    }
    let here = compared.map { table.quoted($0.0.name) }.joined(separator: ", ")
    let there = compared.map(\.1).joined(separator: ", ")
    let key = "new.\(table.keySQL)"
    // What the other table's trigger writes is in step already.
    let isOther = """
      NOT EXISTS (SELECT \(there) FROM \(old) WHERE \(table.keySQL) = \(key)
          INTERSECT SELECT \(here) FROM \(new) WHERE \(table.keySQL) = \(key))
      """
    return [
      """
      CREATE TRIGGER IF NOT EXISTS \(trigger(name + "_insert")) AFTER INSERT ON \(from) WHEN \(isOther) BEGIN
        \(write(key));
      END
      """,
      """
      CREATE TRIGGER IF NOT EXISTS \(trigger(name + "_update")) AFTER UPDATE ON \(from)
      WHEN \(key) IS NOT old.\(table.keySQL) OR \(isOther) BEGIN
        DELETE FROM \(to) WHERE \(table.keySQL) = old.\(table.keySQL) AND \(key) IS NOT old.\(table.keySQL);
        \(write(key));
      END
      """,
      """
      CREATE TRIGGER IF NOT EXISTS \(trigger(name + "_delete")) AFTER DELETE ON \(from) BEGIN
        DELETE FROM \(to) WHERE \(table.keySQL) = old.\(table.keySQL);
      END
      """,
    ]
  }

  /// From now on there is one table.
  private var leaveStep: [String] {
    ["old", "new"].flatMap { way -> [String] in
      guard table.dialect == .postgres else {
        return ["insert", "update", "delete"].map { "DROP TRIGGER IF EXISTS \(trigger("\(way)_\($0)"))" }
      }
      return [
        "DROP TRIGGER IF EXISTS \(trigger(way)) ON \(way == "old" ? old : new)",
        "DROP FUNCTION IF EXISTS \(trigger(way))()",
      ]
    }
  }
}
