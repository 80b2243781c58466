// One row of an answer, by column name or position.

/// A row that was read: its own copy, free of the statement that read it.
public struct SQLiteRow: Sendable, Hashable {
  /// The names of the columns, from the first.
  public let columns: [String]
  /// The values, in the order of the columns.
  public let values: [SQLiteValue]

  /// Pairs names with values; both have the same number.
  public init(columns: [String], values: [SQLiteValue]) {
    precondition(columns.count == values.count, "a row has as many values as columns")
    self.columns = columns
    self.values = values
  }

  /// The value at a position, counted from 0, which the row has to have.
  public subscript(position: Int) -> SQLiteValue { values[position] }

  /// The value of the first column of that name, spelled as the statement spells it; nil where there is none.
  public subscript(name: String) -> SQLiteValue? {
    columns.firstIndex(of: name).map { values[$0] }
  }
}
