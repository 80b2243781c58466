// What does not come along, or comes along changed, in plain words.

/// Something of the source that Postgres does not hold as the source had it. Nothing is ever dropped in silence.
struct Omission: Sendable, Hashable {
  /// What kind of thing it is.
  enum Kind: String, Sendable, Hashable {
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
  enum Effect: String, Sendable, Hashable {
    /// It is not there at all.
    case leftOut = "left_out"
    /// It is there in another form, which the reason tells.
    case changed
  }

  var kind: Kind
  var effect: Effect
  /// The name of the thing, as the source has it.
  var name: String
  /// The source's table that it belongs to; nil for what belongs to none.
  var table: String?
  /// Why, and what is there instead; one line, without values.
  var reason: String
}
