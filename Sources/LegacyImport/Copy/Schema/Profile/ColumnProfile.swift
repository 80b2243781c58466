// What the values of a column are, as one scan of its table tells.

import SQLite

/// The values of a column, counted and described.
struct ColumnProfile: Sendable, Hashable {
  /// How many values of each storage class there are.
  var nulls = 0
  var integers = 0
  var reals = 0
  var texts = 0
  var blobs = 0

  init() {}
}

extension SourceDatabase {
  /// Scans a table once and describes the values of each of its columns.
  ///
  /// - Throws: `SQLiteError`, as for a corrupt file.
  static func profiles(of table: Table, in connection: SQLiteConnection) throws -> [ColumnProfile] {
    []
  }
}
