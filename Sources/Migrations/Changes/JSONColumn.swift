// An attribute of a JSON column, as SQL of either database.

/// An attribute of the objects in a JSON column.
struct JSONColumn {
  let table: SchemaChange.Table
  let column: String
  let attribute: String

  var sql: String { table.quoted(column) }

  /// The attribute's name as a value: a path in SQLite, a key in Postgres.
  private var place: String {
    switch table.dialect {
    case .sqlite: table.literal("$.\"\(attribute)\"")
    case .postgres: table.literal(attribute)
    }
  }

  // MARK: Questions

  /// The attribute as JSON, of a row that is named, or of the table's own; NULL where there is none.
  func value(_ row: String = "") -> String { "(\(row)\(sql) -> \(place))" }

  /// The attribute as an SQL value; JSON's null is NULL.
  func scalar(_ row: String = "") -> String { "(\(row)\(sql) ->> \(place))" }

  /// Whether a row has no value of it: neither the attribute, nor anything but null in it.
  var lacks: String { "\(scalar()) IS NULL" }

  /// What a row without a value has: nothing at all, an object without it, or null.
  var state: String {
    "CASE WHEN \(sql) IS NULL THEN 'none' WHEN \(value()) IS NULL THEN 'absent' ELSE 'null' END"
  }

  /// Whether the attribute is this JSON.
  func isValue(_ json: String) -> String {
    switch table.dialect {
    case .sqlite: "\(value()) = json(\(table.literal(json)))"
    case .postgres: "\(value()) = \(table.literal(json))::jsonb"
    }
  }

  /// Checks that the column holds objects, whose attributes can be set.
  var isObject: [String] {
    let isOther =
      switch table.dialect {
      case .sqlite: "CASE WHEN json_valid(\(sql)) THEN json_type(\(sql)) <> 'object' ELSE 1 END"
      case .postgres: "jsonb_typeof(\(sql)) <> 'object'"
      }
    return [
      table.none(
        "\(table.sql) WHERE \(sql) IS NOT NULL AND \(isOther)",
        "rows of \(table.name) hold in \(column) what is no JSON object")
    ]
  }

  // MARK: Changes

  /// The column with the attribute set to JSON.
  func setting(_ json: String, in row: String = "") -> String {
    switch table.dialect {
    case .sqlite: "json_set(coalesce(\(row)\(sql), '{}'), \(place), json(\(table.literal(json))))"
    case .postgres:
      "coalesce(\(row)\(sql), '{}') || jsonb_build_object(\(place), \(table.literal(json))::jsonb)"
    }
  }

  /// The column with the attribute set to what an expression of SQL gives, NULL as JSON's null.
  func setting(expression: String, in row: String = "") -> String {
    switch table.dialect {
    case .sqlite: "json_set(coalesce(\(row)\(sql), '{}'), \(place), \(expression))"
    case .postgres: "coalesce(\(row)\(sql), '{}') || jsonb_build_object(\(place), \(expression))"
    }
  }

  /// The column without the attribute.
  var removed: String { table.dialect == .sqlite ? "json_remove(\(sql), \(place))" : "\(sql) - \(place)" }

  /// The column without the attribute, and NULL where nothing else is in it.
  var removedOrNothing: String { "nullif(\(removed), '{}')" }

  // MARK: Triggers

  private var triggerName: String { "\(table.name)_\(attribute)_default" }

  /// Gives rows that old code writes the default, or what they had.
  func defaulting(_ json: String) -> [String] {
    let name = table.quoted(triggerName)
    switch table.dialect {
    case .sqlite:
      let new = "new.\(sql)"
      let lacks =
        "CASE WHEN \(new) IS NULL THEN 1 WHEN json_valid(\(new)) THEN \(scalar("new.")) IS NULL ELSE 0 END"
      let same = "\(table.keySQL) = new.\(table.keySQL)"
      let had = "CASE WHEN json_valid(old.\(sql)) THEN \(value("old.")) END"
      return [
        """
        CREATE TRIGGER IF NOT EXISTS \(table.quoted(triggerName + "_insert")) AFTER INSERT ON \(table.sql) WHEN \(lacks) BEGIN
          UPDATE \(table.sql) SET \(sql) = \(setting(json, in: "new.")) WHERE \(same);
        END
        """,
        """
        CREATE TRIGGER IF NOT EXISTS \(table.quoted(triggerName + "_update")) AFTER UPDATE OF \(sql) ON \(table.sql) WHEN \(lacks) BEGIN
          UPDATE \(table.sql) SET \(sql) = json_set(coalesce(new.\(sql), '{}'), \(place),
            json(coalesce(nullif(\(had), 'null'), \(table.literal(json))))) WHERE \(same);
        END
        """,
      ]
    case .postgres:
      return [
        """
        CREATE OR REPLACE FUNCTION \(name)() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
          NEW.\(sql) := coalesce(NEW.\(sql), '{}') || jsonb_build_object(\(place), CASE
            WHEN TG_OP = 'UPDATE' AND \(scalar("OLD.")) IS NOT NULL THEN \(value("OLD.")) ELSE \(table.literal(json))::jsonb END);
          RETURN NEW;
        END
        $$
        """,
        """
        CREATE OR REPLACE TRIGGER \(name) BEFORE INSERT OR UPDATE ON \(table.sql) FOR EACH ROW
          WHEN (NEW.\(sql) IS NULL OR jsonb_typeof(NEW.\(sql)) = 'object' AND \(scalar("NEW.")) IS NULL)
          EXECUTE FUNCTION \(name)()
        """,
      ]
    }
  }

  /// Ends that.
  var dropDefaulting: [String] {
    switch table.dialect {
    case .sqlite:
      ["_insert", "_update"].map { "DROP TRIGGER IF EXISTS \(table.quoted(triggerName + $0))" }
    case .postgres:
      [
        "DROP TRIGGER IF EXISTS \(table.quoted(triggerName)) ON \(table.sql)",
        "DROP FUNCTION IF EXISTS \(table.quoted(triggerName))()",
      ]
    }
  }
}
