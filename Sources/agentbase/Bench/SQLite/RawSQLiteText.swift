// The statements of the bare loop: those that the library runs on its own table.

internal import AgentBase
internal import Schema

enum RawSQLiteText {
  /// The tables as the library makes them.
  static var tables: String { Schema.sqlite.map(\.up).joined(separator: "\n") }
  /// Reads the version of the value that is to be replaced.
  static let version = SQLiteOwnMemories.versionSQL
  /// Stores a memory, or replaces the one of its key.
  static let store = SQLiteOwnMemories.storeSQL
  /// Reads the value of a key, and when it expires.
  static let read = SQLiteOwnMemories.valueSQL
}
