// One runner at a time for steps that are several transactions.

internal import Glibc

/// A lock on a file beside the database (flock); it ends with its process, however that ends.
final class SQLiteRunLock {
  private let path: String
  private var descriptor: Int32

  /// Waits for the lock. A database in memory has no other runner.
  ///
  /// - Throws: `locked` after the limit, `unavailable` where the folder cannot be written.
  init(_ database: String, wait: Duration) throws(MigrationError) {
    path = database + "-schema-lock"
    descriptor = -1
    guard database != ":memory:" else { return }
    let end = ContinuousClock.now + wait
    while true {
      let file = unsafe open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o666)
      guard file >= 0 else {
        throw MigrationError(
          .unavailable, "\(path) cannot be made: \(unsafe String(cString: strerror(errno)))",
          advice: "make the folder writable", file: path)
      }
      if flock(file, LOCK_EX | LOCK_NB) == 0 {
        // Whoever had it before has removed the file meanwhile: then this lock guards nothing.
        if Self.isNamed(file, path) {
          descriptor = file
          return
        }
        close(file)
        continue
      }
      close(file)
      guard ContinuousClock.now < end else {
        throw MigrationError(
          .locked, "\(database): another runner is at work on its schema",
          advice: "try again when it has ended",
          file: database)
      }
      usleep(20_000)
    }
  }

  private static func isNamed(_ file: Int32, _ path: String) -> Bool {
    var held = stat()
    var named = stat()
    return unsafe fstat(file, &held) == 0 && stat(path, &named) == 0 && held.st_ino == named.st_ino
      && held.st_dev == named.st_dev
  }

  /// Lets the next one in.
  func release() {
    guard descriptor >= 0 else { return }
    unsafe unlink(path)
    close(descriptor)
    descriptor = -1
  }
}
