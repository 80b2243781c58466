// Reads what a SQLite database declares: from SQLite's own pragmas, and from its SQL text what those do not tell.

import SQLite

extension SourceDatabase {
  /// Reads the schema within the connection's snapshot.
  ///
  /// - Throws: `SQLiteError`, as for a corrupt file.
  init(reading connection: SQLiteConnection) throws(SQLiteError) {
    self.init()
  }
}
