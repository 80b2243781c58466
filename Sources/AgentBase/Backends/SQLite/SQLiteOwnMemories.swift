// One key of our own table of memories, read without the care that legacy tables need.

import SQLite

/// Our own table of memories, where it is the only one and its text is UTF-8: the statement finds the key's one row, exactly.
enum SQLiteOwnMemories {
  /// The value of a key.
  ///
  /// - Returns: a value, or that there is none; nil where the row is not as the library writes it.
  static func value(
    _ connection: SQLiteConnection, _ table: SQLiteTable, agent: String, namespace: String, key: String
  ) throws -> MemoryValue?? {
    var statement = try connection.prepare(table.ownKeySQL)
    try statement.bind(text: agent, at: 1)
    try statement.bind(text: namespace, at: 2)
    try statement.bind(text: key, at: 3)
    guard try statement.step() else { return .some(nil) }
    guard let value = table.table.roles[.value], let expiry = table.table.roles[.expiresAt],
      case .text(let text) = statement.value(value + 1)
    else { return nil }
    if statement.storageClass(expiry + 1) != .null {
      // Times of one form sort as their text does; whatever else stands there is read with more care.
      guard case .text(let time) = statement.value(expiry + 1),
        time.utf8.count == Timestamp.now.text.utf8.count
      else { return nil }
      if time <= Timestamp.now.text { return .some(nil) }
    }
    return .some(MemoryValue(storedText: text))
  }
}
