// Foreign keys while a step runs: not enforced, and counted before and after.

internal import SQLite

/// Switches the enforcement of foreign keys off, and on again where it was on.
///
/// A table that is made anew is dropped on the way, which would delete what refers to it.
struct SQLiteForeignKeys {
  private let connection: SQLiteConnection
  private let wasOn: Bool

  /// Nil within a transaction, where SQLite changes nothing.
  init?(_ connection: SQLiteConnection) throws(MigrationError) {
    guard !connection.isInTransaction else { return nil }
    self.connection = connection
    do throws(SQLiteError) {
      wasOn = try connection.queryOne("PRAGMA foreign_keys")?[0] == 1
      try connection.executeScript("PRAGMA foreign_keys = OFF")
    } catch {
      throw MigrationError(.unavailable, error.description, file: connection.path, underlying: error)
    }
  }

  /// Puts the settings back that a step may have changed.
  func restore() {
    try? connection.executeScript(
      "PRAGMA legacy_alter_table = OFF; PRAGMA foreign_keys = \(wasOn ? "ON" : "OFF")")
  }

  /// How many references lead nowhere.
  func violations() throws(SQLiteError) -> Int {
    let referring = try connection.queryOne(
      "SELECT EXISTS (SELECT 1 FROM sqlite_schema AS t, pragma_foreign_key_list(t.name) WHERE t.type = 'table')"
    )
    guard referring?[0] == 1 else { return 0 }
    return Int(try connection.queryOne("SELECT count(*) FROM pragma_foreign_key_check")?[0].int64 ?? 0)
  }
}
