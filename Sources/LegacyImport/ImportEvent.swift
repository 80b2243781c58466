// What an import, a verification or a rollback tells while it runs, for a progress bar or a log.

/// A step of a run.
public enum ImportEvent: Sendable {
  /// What the run is doing with a table.
  public enum Activity: String, Sendable {
    case importing, copying, verifying, restoring
    case backingUp = "backing up"
  }

  /// What the run knows of what it has to do: files, and tables and rows over all of them. An import learns of tables and rows
  /// file by file: each such event tells the sums so far.
  case planned(files: Int, tables: Int, rows: Int)
  /// A table is begun. `target` is the table of Postgres.
  case began(Activity, file: String, table: String, target: String, rows: Int)
  /// So many rows of it are done, since the last such event.
  case advanced(rows: Int)
  /// A table is done.
  case finished(Activity, file: String, table: String, rows: Int, rejected: Int)
  /// Something that the user should know, in one line.
  case warning(String)
}
