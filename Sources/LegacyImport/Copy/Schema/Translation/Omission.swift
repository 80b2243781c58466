// What does not come along, or comes along changed, in plain words.

public import AgentBase

/// Something of the source that Postgres does not hold as the source had it. Nothing is ever dropped in silence.
public struct Omission: Sendable, Hashable {
  /// What kind of thing it is.
  public enum Kind: String, Sendable, Hashable {
    case table, column, name
    case columnType = "column_type"
    case notNull = "not_null"
    case defaultValue = "default"
    case generatedColumn = "generated_column"
    case primaryKey = "primary_key"
    case uniqueKey = "unique"
    case check, index
    case foreignKey = "foreign_key"
    case collation, view, trigger
    case virtualTable = "virtual_table"
    case shadowTable = "shadow_table"
  }

  /// What became of it.
  public enum Effect: String, Sendable, Hashable {
    /// It is not there at all.
    case leftOut = "left_out"
    /// It is there in another form, which the reason tells.
    case changed
  }

  /// What kind of thing it is.
  public var kind: Kind
  /// What became of it.
  public var effect: Effect
  /// The name of the thing, as the source has it.
  public var name: String
  /// The source's table that it belongs to; nil for what belongs to none.
  public var table: String?
  /// Why, and what is there instead; one line, without values.
  public var reason: String

  init(kind: Kind, effect: Effect, name: String, table: String?, reason: String) {
    self.kind = kind
    self.effect = effect
    self.name = name
    self.table = table
    self.reason = reason
  }

  /// The omission as JSON.
  public var json: JSON {
    [
      "kind": .string(kind.rawValue), "effect": .string(effect.rawValue), "name": .string(name),
      "table": table.map(JSON.string) ?? .null, "reason": .string(reason),
    ]
  }
}
