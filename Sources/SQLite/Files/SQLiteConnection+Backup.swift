// Online backup: a whole database into a new file, while others write.

internal import CSQLite
internal import Glibc

/// How far a backup is, in pages of the database.
public struct SQLiteBackupProgress: Sendable, Hashable {
  /// The pages that are copied.
  public let copiedPages: Int
  /// The pages of the database, which grows when others write.
  public let totalPages: Int
}

extension SQLiteConnection {
  /// Copies the database into a new file (sqlite3_backup_step), which appears under its name only when it is complete
  /// and on the disk.
  ///
  /// Between steps others may write. In a read transaction, or of a snapshot, the copy is of that moment; else SQLite
  /// begins again when another connection has written, and the second attempt is made in one step.
  ///
  /// - Parameter progress: called after every 4 MB or so; what it throws ends the backup.
  /// - Throws: `cannotOpen` where the destination is there already: nothing is ever overwritten.
  public func backup(to destination: String, progress: ((SQLiteBackupProgress) throws -> Void)? = nil) throws
  {
    guard unsafe access(destination, F_OK) != 0 else {
      throw SQLiteError(code: .cannotOpen, message: "there is a file already", path: destination)
    }
    let partial = "\(destination).\(getpid())-\(UInt32.random(in: 0...UInt32.max)).partial"
    defer { for suffix in ["", "-wal", "-shm", "-journal"] { unsafe unlink(partial + suffix) } }
    try copyPages(
      to: try SQLiteConnection(
        file: partial, named: destination, access: .create, busyTimeout: control.busyTimeout),
      progress: progress)
    try Self.name(partial, destination)
  }

  /// Replaces all that another database holds with what this one does, in one transaction of the other's: whoever has it open
  /// sees the old content or the new.
  ///
  /// - Throws: `busy` where others do not let go of the target; then it is as it was.
  public func copyContents(to target: SQLiteConnection) throws {
    try copyPages(to: target, progress: nil)
  }

  private func copyPages(
    to target: SQLiteConnection, progress: ((SQLiteBackupProgress) throws -> Void)?
  ) throws {
    guard let backup = unsafe sqlite3_backup_init(target.handle, "main", handle, "main") else {
      throw target.lastError(sql: nil)
    }
    do {
      unsafe try step(backup, progress: progress)
    } catch {
      _ = unsafe sqlite3_backup_finish(backup)
      throw error
    }
    guard unsafe sqlite3_backup_finish(backup) == SQLITE_OK else { throw target.lastError(sql: nil) }
  }

  private func step(_ backup: OpaquePointer, progress: ((SQLiteBackupProgress) throws -> Void)?) throws {
    var pages: Int32 = 1000
    var copied = 0
    var tries = 0
    while true {
      guard !interrupt.isRequested else {
        throw SQLiteError(code: .interrupt, message: "interrupted", path: path)
      }
      let code = unsafe sqlite3_backup_step(backup, pages)
      let total = unsafe Int(sqlite3_backup_pagecount(backup))
      let now = unsafe total - Int(sqlite3_backup_remaining(backup))
      switch code {
      case SQLITE_OK, SQLITE_DONE:
        tries = 0
        try progress?(SQLiteBackupProgress(copiedPages: now, totalPages: total))
        if code == SQLITE_DONE { return }
        if now <= copied { pages = -1 }
        copied = now
      default:
        let error = unsafe SQLiteError(
          code: SQLiteCode(rawValue: code), message: String(cString: sqlite3_errstr(code)), path: path)
        guard error.isSafeToRetry, control.waitForLock(tries: tries) else { throw error }
        tries += 1
      }
    }
  }

  /// Gives the complete file its name, unless somebody else has taken it, and makes that durable.
  private static func name(_ partial: String, _ destination: String) throws(SQLiteError) {
    if unsafe link(partial, destination) != 0 {
      // File systems without hard links.
      let mayRename = unsafe errno != EEXIST && access(destination, F_OK) != 0
      guard mayRename, unsafe rename(partial, destination) == 0 else {
        throw .system(.cannotOpen, "the backup cannot be given its name", path: destination)
      }
    }
    let folder = destination.lastIndex(of: "/").map { String(destination[...$0]) } ?? "."
    let descriptor = unsafe open(folder, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return }
    fsync(descriptor)
    close(descriptor)
  }
}
