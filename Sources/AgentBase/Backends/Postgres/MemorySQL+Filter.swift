// A filter as SQL, in which its words are parameters. It says of a stored row what `MemoryFilter.matches` says: no part of it
// is NULL, and none can fail, whatever the row holds.

import Postgres

extension MemorySQL {
  /// The condition of a filter on the columns content and metadata of `row`.
  static func condition(_ filter: MemoryFilter, on row: String) -> PostgresStatement {
    switch filter {
    case .equals(let field, let wanted):
      guard let wanted = parameter(wanted), let place = place(field, on: row) else { return "false" }
      return "coalesce(\(place) = \(wanted), false)"
    case .compares(let field, let order, let wanted): return compares(field, order, wanted, on: row)
    case .isIn(let field, let values):
      let values = values.filter { !$0.holdsNUL }.map(\.jsonbText)
      guard let place = place(field, on: row), !values.isEmpty else { return "false" }
      return "coalesce(\(place) = ANY (\(PostgresValue.jsonbArray(values))::jsonb[]), false)"
    case .contains(let field, let wanted): return contains(field, wanted, on: row)
    case .exists(let field):
      guard let place = place(field, on: row) else { return "false" }
      return "(\(place) IS NOT NULL)"
    case .and(let filters): return joined(filters, "AND", none: "true", on: row)
    case .or(let filters): return joined(filters, "OR", none: "false", on: row)
    case .not(let filter): return "(NOT \(condition(filter, on: row)))"
    }
  }

  private static func joined(
    _ filters: [MemoryFilter], _ word: String, none: PostgresStatement, on row: String
  ) -> PostgresStatement {
    guard let first = filters.first else { return none }
    let all = filters.dropFirst().reduce(condition(first, on: row)) { all, filter in
      "\(all) \(unsafeSQL: word) \(condition(filter, on: row))"
    }
    return "(\(all))"
  }

  // MARK: - Leaves

  private static func compares(
    _ field: MemoryField, _ order: MemoryFilter.Order, _ wanted: JSON, on row: String
  ) -> PostgresStatement {
    let sign =
      switch order {
      case .less: "<"
      case .lessOrEqual: "<="
      case .greater: ">"
      case .greaterOrEqual: ">="
      }
    guard let place = place(field, on: row) else { return "false" }
    switch wanted {
    case .number:
      guard let wanted = parameter(wanted) else { return "false" }
      // Two numbers as jsonb are compared as numeric, to the last digit.
      return "coalesce(jsonb_typeof(\(place)) = 'number' AND \(place) \(unsafeSQL: sign) \(wanted), false)"
    case .string(let text) where !text.utf8.contains(0):
      return """
        coalesce(jsonb_typeof(\(place)) = 'string'
          AND (\(place) #>> '{}') COLLATE "C" \(unsafeSQL: sign) \(text)::text, false)
        """
    default: return "false"
    }
  }

  private static func contains(_ field: MemoryField, _ wanted: JSON, on row: String) -> PostgresStatement {
    guard let value = parameter(wanted), let place = place(field, on: row) else { return "false" }
    let inText: PostgresStatement =
      if case .string(let text) = wanted { "strpos(\(place) #>> '{}', \(text)::text) > 0" } else { "false" }
    return """
      CASE jsonb_typeof(\(place))
        WHEN 'array' THEN EXISTS (SELECT FROM jsonb_array_elements(\(place)) AS element WHERE element = \(value))
        WHEN 'string' THEN \(inText)
        ELSE false END
      """
  }

  /// What is at a field's place; nil where nothing can be, since Postgres holds no NUL.
  private static func place(_ field: MemoryField, on row: String) -> PostgresStatement? {
    let column = row + (field.root == .value ? ".content" : ".metadata")
    guard !field.path.contains(where: { $0.utf8.contains(0) }) else { return nil }
    guard !field.path.isEmpty else { return "\(unsafeSQL: column)" }
    return "(\(unsafeSQL: column) #> \(field.path)::text[])"
  }

  private static func parameter(_ json: JSON) -> PostgresStatement? {
    json.holdsNUL ? nil : "\(PostgresValue.jsonb(json.jsonbText))::jsonb"
  }
}
