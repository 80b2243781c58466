// A copy of a database file in a folder of its own, taken at one moment while others may go on writing.

internal import Glibc

/// A consistent copy of a database, with what belongs to it: the write-ahead log, or a journal left by a crash.
///
/// The source is only read. While it is copied, a SHARED lock holds: no writer can then change a file with a
/// rollback journal, nobody can roll a journal back, and whoever opens a write-ahead log leaves its `-shm` file behind.
/// So a `-shm` that is still missing at the end proves that nobody wrote. Where one is there, the sizes and times of the
/// files have to stand still.
struct SQLitePrivateCopy {
  /// The copy.
  let file: String
  private let folder: String

  /// - Parameter parent: the folder to make the copy in; it is the caller's to remove, by `remove()`.
  init(of path: String, in parent: String, busyTimeout: Duration) throws(SQLiteError) {
    let folder = try Self.makeFolder(in: parent, for: path)
    self.folder = folder
    self.file = folder + "/copy.db"
    do {
      try copyUntilUnchanged(path, busyTimeout: busyTimeout)
    } catch {
      remove()
      throw error
    }
  }

  /// Removes the copy's names. A connection that has it open goes on reading it.
  func remove() {
    for suffix in ["", "-wal", "-shm", "-journal"] { unsafe unlink(file + suffix) }
    unsafe rmdir(folder)
  }

  // MARK: Copying

  private func copyUntilUnchanged(_ path: String, busyTimeout: Duration) throws(SQLiteError) {
    let source = try SQLiteOpenFile(path, busyTimeout: busyTimeout)
    let full = source.fullPath
    let deadline = ContinuousClock.now + busyTimeout
    while true {
      let isUnchanged = try source.whileShared { (isReserved) throws(SQLiteError) in
        let before = Marks(of: full)
        guard before.isSettled else { return false }
        try copy(source, named: path)
        try copySide("-wal", of: full, named: path)
        // A journal that a writer is still filling undoes nothing yet; one without a writer is what a crash left.
        if !isReserved { try copySide("-journal", of: full, named: path) }
        return before == Marks(of: full)
      }
      if isUnchanged { return }
      guard ContinuousClock.now < deadline else {
        throw SQLiteError(code: .busy, message: "the file changed each time that it was copied", path: path)
      }
      usleep(10_000)
      for suffix in ["", "-wal", "-journal"] { unsafe unlink(file + suffix) }
    }
  }

  private func copy(_ source: borrowing SQLiteOpenFile, named path: String) throws(SQLiteError) {
    let target = try SQLiteTargetFile(file, source: path)
    let size = try source.size()
    var buffer = [UInt8](repeating: 0, count: 1 << 20)
    var offset: Int64 = 0
    while offset < size {
      let count = Int(min(Int64(buffer.count), size - offset))
      var span = buffer.mutableSpan
      try unsafe span.withUnsafeMutableBytes { (all) throws(SQLiteError) in
        let part = unsafe UnsafeMutableRawBufferPointer(rebasing: all[..<count])
        try unsafe source.read(at: offset, into: part)
        try unsafe target.write(UnsafeRawBufferPointer(part))
      }
      offset += Int64(count)
    }
  }

  /// Copies a file beside the database, where there is one; no lock lies on these, so they are opened directly.
  private func copySide(_ suffix: String, of full: String, named path: String) throws(SQLiteError) {
    let source = unsafe open(full + suffix, O_RDONLY | O_CLOEXEC)
    guard source >= 0 else {
      if errno == ENOENT { return }
      throw .system(.cannotOpen, "\(suffix) cannot be read", path: path)
    }
    defer { close(source) }
    let target = try SQLiteTargetFile(file + suffix, source: path)
    var buffer = [UInt8](repeating: 0, count: 1 << 20)
    while true {
      var span = buffer.mutableSpan
      let isMore = try unsafe span.withUnsafeMutableBytes { (all) throws(SQLiteError) in
        let count = unsafe Glibc.read(source, all.baseAddress, all.count)
        guard count >= 0 else { throw .system(.inputOutput, "\(suffix) cannot be read", path: path) }
        try unsafe target.write(UnsafeRawBufferPointer(rebasing: all[..<count]))
        return count > 0
      }
      guard isMore else { return }
    }
  }

  private static func makeFolder(in parent: String, for path: String) throws(SQLiteError) -> String {
    var template = Array((parent + "/agentbase-copy-XXXXXX").utf8CString)
    var span = template.mutableSpan
    let folder = unsafe span.withUnsafeMutableBufferPointer { buffer in
      unsafe buffer.baseAddress.flatMap { unsafe mkdtemp($0) }.map { unsafe String(cString: $0) }
    }
    guard let folder else {
      throw .system(.cannotOpen, "no private copy can be made in \(parent)", path: path)
    }
    return folder
  }
}

/// What would differ if somebody had written: the state of the file, its log and its index.
private struct Marks: Equatable {
  private var numbers: [Int] = []
  private var newest = 0

  init(of path: String) {
    for suffix in ["", "-wal"] {
      var status = stat()
      guard unsafe stat(path + suffix, &status) == 0 else {
        numbers.append(-1)
        continue
      }
      numbers += [Int(status.st_ino), Int(status.st_size)]
      let changed = status.st_mtim.tv_sec * 1_000_000_000 + status.st_mtim.tv_nsec
      numbers.append(changed)
      newest = max(newest, changed)
    }
    unsafe numbers.append(access(path + "-shm", F_OK) == 0 ? 1 : 0)
  }

  /// Whether the next write would show: the system's clock for files ticks every few milliseconds. Without an index
  /// (`-shm`) nobody can write to the log unseen.
  var isSettled: Bool {
    var now = timespec()
    guard numbers.last == 1, unsafe clock_gettime(CLOCK_REALTIME, &now) == 0 else { return true }
    return now.tv_sec * 1_000_000_000 + now.tv_nsec - newest > 20_000_000
  }
}

/// A new file that is written from start to end.
private struct SQLiteTargetFile: ~Copyable {
  private let descriptor: Int32
  private let path: String
  private let source: String

  init(_ path: String, source: String) throws(SQLiteError) {
    descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    self.path = path
    self.source = source
    guard descriptor >= 0 else {
      throw .system(.cannotOpen, "no private copy can be made at \(path)", path: source)
    }
  }

  deinit { close(descriptor) }

  func write(_ bytes: UnsafeRawBufferPointer) throws(SQLiteError) {
    var written = 0
    while written < bytes.count {
      let count = unsafe Glibc.write(
        descriptor, bytes.baseAddress.map { unsafe $0 + written }, bytes.count - written)
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else {
        let isFull = errno == ENOSPC || errno == EDQUOT || errno == EFBIG
        throw .system(isFull ? .full : .inputOutput, "the private copy at \(path) failed", path: source)
      }
      written += count
    }
  }
}
