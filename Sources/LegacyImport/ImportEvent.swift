// What an import, a verification or a rollback tells while it runs, for a progress bar or a log.

/// A step of a run.
public enum ImportEvent: Sendable {
  /// What the run is doing with a table.
  public enum Activity: String, Sendable {
    case importing, copying, verifying, restoring
    case backingUp = "backing up"
  }

  /// What the run knows of what it has to do: files, and tables and rows over all of them. Where they are learnt file by file,
  /// as an import does, the first such event tells the files alone, and each later one the sums so far.
  case planned(files: Int, tables: Int, rows: Int)
  /// A table is begun. `target` is the table of Postgres.
  case began(Activity, file: String, table: String, target: String, rows: Int)
  /// So many rows are done, since the last such event of this activity. Tables are verified while others are imported.
  case advanced(Activity, rows: Int)
  /// A table is done.
  case finished(Activity, file: String, table: String, rows: Int, rejected: Int)
  /// Something that the user should know, in one line.
  case warning(String)
}
