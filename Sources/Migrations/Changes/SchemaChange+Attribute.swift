// A new attribute of a JSON column, with a default for the rows that are there.

extension SchemaChange {
  /// Adds an attribute with a default to a JSON object in a column; rows that have it keep theirs.
  ///
  /// On the way back the attribute goes from the rows that got it from this change and still have the default. What was set since
  /// stays: the older shape can hold it.
  ///
  /// - Parameters:
  ///   - value: the default as JSON text, such as `300` or `"fast"`.
  ///   - column: the JSON column: text in SQLite, `jsonb` in Postgres.
  public static func addAttribute(
    _ attribute: String, default value: String, to table: Table, column: String = "metadata",
    pace: Pace = .atOnce
  ) -> SchemaChange {
    let json = JSONColumn(table: table, column: column, attribute: attribute)
    let lacked = table.side("\(attribute)_lacked")
    let make = table.makeSide("\(attribute)_lacked")
    func fill(_ part: String?) -> [String] {
      let rows = [part, json.lacks].compactMap { $0 }.joined(separator: " AND ")
      return [
        """
        INSERT INTO \(lacked) (held, was)
          SELECT \(table.keySQL), \(json.state) FROM \(table.sql) WHERE \(rows)
          ON CONFLICT DO NOTHING
        """,
        "UPDATE \(table.sql) SET \(json.sql) = \(json.setting(value)) WHERE \(rows)",
      ]
    }
    func takeBack(_ part: String?) -> [String] {
      let rows = [part, json.isValue(value), "\(table.keySQL) IN (SELECT held FROM \(lacked))"]
      return [
        """
        UPDATE \(table.sql) SET \(json.sql) = CASE (SELECT was FROM \(lacked) WHERE held = \(table.keySQL))
            WHEN 'null' THEN \(json.setting("null")) WHEN 'none' THEN \(json.removedOrNothing) ELSE \(json.removed) END
          WHERE \(rows.compactMap { $0 }.joined(separator: " AND "))
        """
      ]
    }
    func versions(_ direction: MigrationDirection, _ suffix: String) -> [String] {
      guard table.rowVersion != nil, case .gradual(let batch) = pace else { return [] }
      return table.walk("\(attribute)_\(suffix)", batch: batch) { table.setRowVersion(direction, part: $0) }
    }
    let check = [table.none("\(table.sql) WHERE \(json.lacks)", "rows of \(table.name) lack \(attribute)")]
    switch pace {
    case .atOnce:
      return SchemaChange([
        Part(
          name: "add_\(attribute)", up: make + fill(nil) + table.setRowVersion(.up),
          down: table.setRowVersion(.down) + takeBack(nil) + ["DROP TABLE \(lacked)"],
          checkBefore: table.rowVersionCheck + json.isObject, checkAfter: check, carriesAll: true)
      ])
    case .gradual(let batch):
      return SchemaChange([
        Part(
          name: "add_\(attribute)_begin", up: make + json.defaulting(value),
          down: json.dropDefaulting + ["DROP TABLE \(lacked)"],
          checkBefore: table.rowVersionCheck + json.isObject, carriesAll: true),
        Part(
          name: "add_\(attribute)_fill", up: table.walk("\(attribute)_up", batch: batch) { fill($0) },
          down: json.dropDefaulting + table.walk("\(attribute)_down", batch: batch) { takeBack($0) }
            + json.defaulting(value),
          checkAfter: check, isGradual: true),
        Part(
          name: "add_\(attribute)_complete", up: json.dropDefaulting + versions(.up, "complete"),
          down: versions(.down, "reopen") + json.defaulting(value), checkAfter: check, isGradual: true),
      ])
    }
  }

  /// Adds a column; rows that are there get the default. Old code does not see it, so there is one pace.
  ///
  /// On the way back its values are kept aside, and come back by the rows' keys with the next way up.
  ///
  /// - Parameters:
  ///   - type: the type as the database spells it, with what follows it: `TEXT`, `INTEGER NOT NULL`.
  ///   - value: the default as SQL; nil for none.
  public static func addColumn(
    _ column: String, type: String, default value: String? = nil, to table: Table
  ) -> SchemaChange {
    let definition = "\(table.quoted(column)) \(type)" + (value.map { " DEFAULT \($0)" } ?? "")
    return SchemaChange([
      Part(
        name: "add_\(column)",
        up: ["ALTER TABLE \(table.sql) ADD COLUMN \(definition)"] + table.setRowVersion(.up),
        down: table.setRowVersion(.down) + ["ALTER TABLE \(table.sql) DROP COLUMN \(table.quoted(column))"],
        checkBefore: [table.column(column, exists: false)] + table.rowVersionCheck,
        checkAfter: [table.column(column, exists: true)])
    ])
  }
}
