// An attribute of a JSON column that becomes a column of its own, and back.

extension SchemaChange {
  /// The types that an attribute can be promoted to.
  public enum PromotedType: String, Sendable, Hashable, CaseIterable {
    /// Whole numbers of up to 18 digits.
    case integer
    /// Numbers.
    case real
    /// Text.
    case text
    /// True and false; 1 and 0 in SQLite.
    case boolean
  }

  /// Moves an attribute of a JSON object into a column of its own. Rows without it get the default, as guide 4 has it.
  ///
  /// On the way back the values go into the JSON again, whoever has written them: NULL as `null`; and rows that had no attribute and
  /// still have the default have none again. Values of another JSON type than the column's stop the change before it begins.
  ///
  /// - Parameters:
  ///   - value: the default of the column, as SQL of a constant; nil for NULL.
  public static func promote(
    _ attribute: String, to type: PromotedType, default value: String? = nil, in table: Table,
    column: String = "metadata", pace: Pace = .atOnce
  ) -> SchemaChange {
    let promotion = Promotion(
      json: JSONColumn(table: table, column: column, attribute: attribute), type: type, value: value ?? "NULL"
    )
    switch pace {
    case .atOnce: return SchemaChange([promotion.atOnce])
    case .gradual(let batch): return SchemaChange(promotion.gradual(batch: batch))
    }
  }
}

/// The SQL of a promotion.
private struct Promotion {
  let json: JSONColumn
  let type: SchemaChange.PromotedType
  /// The default, as SQL.
  let value: String

  var table: SchemaChange.Table { json.table }
  var name: String { json.attribute }
  var sql: String { table.quoted(name) }
  /// The rows that had no such attribute before it was taken out of the JSON.
  var absent: String { table.side("\(name)_absent") }

  // MARK: One value to the other

  private var columnType: String {
    switch (type, table.dialect) {
    case (.integer, .sqlite): "INTEGER"
    case (.integer, .postgres): "bigint"
    case (.real, .sqlite): "REAL"
    case (.real, .postgres): "double precision"
    case (.text, _): "text"
    case (.boolean, _): "boolean"
    }
  }

  /// The column's value of what a row's JSON holds.
  func fromJSON(_ row: String = "") -> String {
    switch table.dialect {
    case .sqlite: json.scalar(row)
    case .postgres: type == .text ? json.scalar(row) : "\(json.scalar(row))::\(columnType)"
    }
  }

  /// The JSON's value of the column.
  func toJSON(_ row: String = "") -> String {
    type == .boolean && table.dialect == .sqlite
      ? "json(CASE WHEN \(row)\(sql) IS NULL THEN 'null' WHEN \(row)\(sql) THEN 'true' ELSE 'false' END)"
      : "\(row)\(sql)"
  }

  /// Whether the JSON of a row holds what is no value of the column.
  private var isOther: String {
    switch (type, table.dialect) {
    case (.integer, .sqlite):
      "json_type(\(json.sql), \(path)) NOT IN ('integer', 'null') OR length(\(json.value())) > 18"
    case (.real, .sqlite): "json_type(\(json.sql), \(path)) NOT IN ('integer', 'real', 'null')"
    case (.text, .sqlite): "json_type(\(json.sql), \(path)) NOT IN ('text', 'null')"
    case (.boolean, .sqlite): "json_type(\(json.sql), \(path)) NOT IN ('true', 'false', 'null')"
    case (.integer, .postgres):
      "jsonb_typeof(\(json.value())) NOT IN ('number', 'null') OR \(json.scalar()) !~ '^-?[0-9]{1,18}$'"
    case (.real, .postgres): "jsonb_typeof(\(json.value())) NOT IN ('number', 'null')"
    case (.text, .postgres): "jsonb_typeof(\(json.value())) NOT IN ('string', 'null')"
    case (.boolean, .postgres): "jsonb_typeof(\(json.value())) NOT IN ('boolean', 'null')"
    }
  }

  private var path: String { table.literal("$.\"\(name)\"") }

  // MARK: Parts

  private var addColumn: String {
    "ALTER TABLE \(table.sql) ADD COLUMN \(sql) \(columnType)" + (value == "NULL" ? "" : " DEFAULT \(value)")
  }

  private var checks: [String] {
    [table.column(name, exists: false)] + table.rowVersionCheck + json.isObject + [
      table.none(
        "\(table.sql) WHERE \(isOther)", "rows of \(table.name) hold a \(name) that is no \(type.rawValue)")
    ]
  }

  private var isOut: [String] {
    [
      table.column(name, exists: true),
      table.none(
        "\(table.sql) WHERE \(json.value()) IS NOT NULL",
        "rows of \(table.name) have \(name) in \(json.column) still"),
    ]
  }

  private func rows(_ conditions: String?...) -> String {
    conditions.compactMap { $0 }.map { "(\($0))" }.joined(separator: " AND ")
  }

  /// Takes the attribute out of the JSON, and remembers the rows that had none.
  private func takeOut(_ part: String?) -> [String] {
    [
      """
      INSERT INTO \(absent) (held, was)
        SELECT \(table.keySQL), 'absent' FROM \(table.sql) WHERE \(rows(part, "\(json.value()) IS NULL"))
        ON CONFLICT DO NOTHING
      """,
      "UPDATE \(table.sql) SET \(json.sql) = \(json.removed) WHERE \(rows(part, "\(json.value()) IS NOT NULL"))",
    ]
  }

  /// Puts the column's values into the JSON.
  private func putBack(_ part: String?) -> [String] {
    let wasAbsent =
      "\(sql) IS NOT DISTINCT FROM \(value) AND EXISTS (SELECT 1 FROM \(absent) WHERE held = \(table.keySQL))"
    return [
      """
      UPDATE \(table.sql) SET \(json.sql) = \(json.setting(expression: toJSON()))
        WHERE \(rows(part, "\(json.value()) IS NULL", "NOT (\(distinct(wasAbsent)))"))
      """
    ]
  }

  /// SQLite spells it IS; IS NOT DISTINCT FROM came with 3.39.
  private func distinct(_ sql: String) -> String {
    table.dialect == .sqlite
      ? sql.replacing("IS NOT DISTINCT FROM", with: "IS").replacing("IS DISTINCT FROM", with: "IS NOT") : sql
  }

  private func fill(_ part: String?) -> [String] {
    [
      "UPDATE \(table.sql) SET \(sql) = \(fromJSON()) WHERE \(rows(part, "\(json.value()) IS NOT NULL", distinct("\(sql) IS DISTINCT FROM \(fromJSON())")))"
    ]
  }

  var atOnce: SchemaChange.Part {
    SchemaChange.Part(
      name: "promote_\(name)",
      up: [addColumn] + table.makeSide("\(name)_absent") + fill(nil) + takeOut(nil)
        + table.setRowVersion(.up),
      down: table.setRowVersion(.down) + putBack(nil) + [
        "ALTER TABLE \(table.sql) DROP COLUMN \(sql)", "DROP TABLE \(absent)",
      ], checkBefore: checks, checkAfter: isOut, carriesAll: true)
  }

  func gradual(batch: Int) -> [SchemaChange.Part] {
    let inStep = table.none(
      "\(table.sql) WHERE \(rows("\(json.value()) IS NOT NULL", distinct("\(sql) IS DISTINCT FROM \(fromJSON())")))",
      "rows of \(table.name) differ between \(name) and \(json.column)")
    return [
      SchemaChange.Part(
        name: "promote_\(name)_begin", up: [addColumn] + keepInStep,
        down: leaveStep + ["ALTER TABLE \(table.sql) DROP COLUMN \(sql)"], checkBefore: checks,
        checkAfter: [table.column(name, exists: true)], carriesAll: true),
      SchemaChange.Part(
        name: "promote_\(name)_fill", up: table.walk("\(name)_up", batch: batch) { fill($0) },
        down: [], checkAfter: [inStep], isGradual: true),
      SchemaChange.Part(
        name: "promote_\(name)_complete",
        up: leaveStep + table.makeSide("\(name)_absent")
          + table.walk("\(name)_out", batch: batch) { takeOut($0) + table.setRowVersion(.up, part: $0) },
        down: keepInStep
          + table.walk("\(name)_back", batch: batch) { putBack($0) + table.setRowVersion(.down, part: $0) }
          + ["DROP TABLE \(absent)"],
        checkBefore: [inStep], checkAfter: isOut, isGradual: true),
    ]
  }

  // MARK: Both shapes in step

  private var trigger: String { "\(table.name)_\(name)_in_step" }

  /// Old code writes the attribute, new code the column: who writes one has written the other.
  private var keepInStep: [String] {
    switch table.dialect {
    case .sqlite: sqliteTriggers
    case .postgres:
      [
        """
        CREATE OR REPLACE FUNCTION \(table.quoted(trigger))() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
          IF TG_OP = 'INSERT' AND \(json.value("NEW.")) IS NOT NULL AND NEW.\(sql) IS NOT DISTINCT FROM \(value)
            OR TG_OP = 'UPDATE' AND NEW.\(sql) IS NOT DISTINCT FROM OLD.\(sql)
              AND \(json.value("NEW.")) IS DISTINCT FROM \(json.value("OLD."))
          THEN
            NEW.\(sql) := CASE WHEN \(json.value("NEW.")) IS NULL THEN \(value) ELSE \(fromJSON("NEW.")) END;
          ELSIF TG_OP = 'INSERT' AND NEW.\(sql) IS DISTINCT FROM \(value)
            OR TG_OP = 'UPDATE' AND NEW.\(sql) IS DISTINCT FROM OLD.\(sql)
          THEN
            NEW.\(json.sql) := \(json.setting(expression: toJSON("NEW."), in: "NEW."));
          END IF;
          RETURN NEW;
        END
        $$
        """,
        """
        CREATE OR REPLACE TRIGGER \(table.quoted(trigger)) BEFORE INSERT OR UPDATE ON \(table.sql) FOR EACH ROW
          EXECUTE FUNCTION \(table.quoted(trigger))()
        """,
      ]
    }
  }

  private var sqliteTriggers: [String] {
    let same = "\(table.keySQL) = new.\(table.keySQL)"
    let newJSON = "new.\(json.sql)"
    // Of NULL, SQLite says now that it is not valid, now nothing.
    let valid = "\(newJSON) IS NULL OR json_valid(\(newJSON))"
    let has = "\(json.value("new.")) IS NOT NULL"
    let differs = "new.\(sql) IS NOT \(fromJSON("new."))"
    let oldAttribute = "CASE WHEN json_valid(old.\(json.sql)) THEN \(json.value("old.")) END"
    let toColumn =
      "UPDATE \(table.sql) SET \(sql) = CASE WHEN \(has) THEN \(fromJSON("new.")) ELSE \(value) END WHERE \(same)"
    let toAttribute =
      "UPDATE \(table.sql) SET \(json.sql) = \(json.setting(expression: toJSON("new."), in: "new.")) WHERE \(same)"
    func make(_ suffix: String, _ event: String, _ condition: String, _ body: String) -> String {
      """
      CREATE TRIGGER IF NOT EXISTS \(table.quoted("\(trigger)_\(suffix)")) AFTER \(event) ON \(table.sql)
      WHEN CASE WHEN \(valid) THEN \(condition) ELSE 0 END BEGIN
        \(body);
      END
      """
    }
    return [
      make("insert_old", "INSERT", "\(has) AND new.\(sql) IS \(value) AND \(differs)", toColumn),
      make("insert_new", "INSERT", "new.\(sql) IS NOT \(value) AND (NOT \(has) OR \(differs))", toAttribute),
      make(
        "update_new", "UPDATE OF \(sql)",
        "new.\(sql) IS NOT old.\(sql) AND CASE WHEN \(has) THEN \(differs) ELSE new.\(sql) IS NOT \(value) END",
        toAttribute),
      make(
        "update_old", "UPDATE OF \(json.sql)",
        "new.\(sql) IS old.\(sql) AND \(json.value("new.")) IS NOT \(oldAttribute) AND (\(differs) OR NOT \(has))",
        toColumn),
    ]
  }

  /// From now on old code does not write any more.
  private var leaveStep: [String] {
    switch table.dialect {
    case .sqlite:
      ["insert_old", "insert_new", "update_new", "update_old"].map {
        "DROP TRIGGER IF EXISTS \(table.quoted("\(trigger)_\($0)"))"
      }
    case .postgres:
      [
        "DROP TRIGGER IF EXISTS \(table.quoted(trigger)) ON \(table.sql)",
        "DROP FUNCTION IF EXISTS \(table.quoted(trigger))()",
      ]
    }
  }
}
