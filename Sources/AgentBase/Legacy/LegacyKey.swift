// The key of a legacy row: what identifies it, what memories are called by where they have no key of their own.

public import SQLite

/// The key of a legacy row: its primary key, or its rowid where it has none.
public struct LegacyKey: Sendable {
  /// The values of the primary key's columns; empty where the rowid is the key.
  public let values: [SQLiteValue]
  /// The rowid, where the table has one.
  public let rowID: Int64?

  /// A key of these values, in the order of the primary key.
  public init(values: [SQLiteValue], rowID: Int64?) {
    self.values = values
    self.rowID = rowID
  }

  /// The key as JSON: one value as it is, several as an array. `legacy_id`.
  public var json: JSON {
    switch values.count {
    case 0: rowID.map { .integer($0) } ?? .null
    case 1: ExactValue(values[0]).json
    default: .array(values.map { ExactValue($0).json })
    }
  }

  /// The key as text: what a memory without a key column is called by.
  public var text: String {
    switch values.count {
    case 0: rowID.map { String($0) } ?? ""
    case 1: LegacyConversion.text(values[0]) ?? rowID.map { String($0) } ?? ""
    default: json.jsonbText
    }
  }
}
