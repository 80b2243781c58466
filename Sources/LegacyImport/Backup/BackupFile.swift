// The file calls that a backup is made of: digests, copies, folders, names.

internal import Foundation
internal import SQLite

/// Files by path, as a backup needs them.
enum BackupFile {
  /// The length and SHA-256 of a file.
  static func digest(of path: String, job: BlockingJob) throws -> (bytes: Int64, sha256: String) {
    let digest = SHA256()
    var length: Int64 = 0
    try read(path) { chunk in
      try job.check()
      digest.update(chunk)
      length += Int64(chunk.count)
    }
    return (length, hexadecimal(digest.finish()))
  }

  /// Copies a file into a new one, makes it durable, and answers the length and SHA-256 of what was copied.
  static func copy(
    _ source: String, to destination: String, job: BlockingJob
  ) throws -> (bytes: Int64, sha256: String) {
    let target = unsafe open(destination, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard target >= 0 else { throw failure("cannot be written", destination) }
    defer { close(target) }
    let digest = SHA256()
    var length: Int64 = 0
    try read(source) { chunk in
      try job.check()
      digest.update(chunk)
      length += Int64(chunk.count)
      var rest = chunk[...]
      while !rest.isEmpty {
        let count = unsafe rest.withUnsafeBytes { unsafe write(target, $0.baseAddress, $0.count) }
        guard count > 0 || errno == EINTR else { throw failure("cannot be written", destination) }
        rest = rest.dropFirst(max(count, 0))
      }
    }
    guard fsync(target) == 0 else { throw failure("cannot be made durable", destination) }
    return (length, hexadecimal(digest.finish()))
  }

  /// Gives a file the rights, and where we may the owner, of another.
  static func takeRights(of model: String, for path: String) {
    var status = stat()
    guard unsafe stat(model, &status) == 0 else { return }
    unsafe chmod(path, status.st_mode & 0o777)
    _ = unsafe chown(path, status.st_uid, status.st_gid)
  }

  /// Makes the folder that a file stands in.
  static func makeFolder(for path: String) throws {
    let folder = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
    do {
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    } catch {
      throw ImportError(
        .target, "the folder \(folder) cannot be made",
        advice: "check that the path is right and may be written")
    }
  }

  /// Gives a complete file its name, in the place of what had it.
  static func rename(_ path: String, to name: String) throws {
    guard unsafe Glibc.rename(path, name) == 0 else { throw failure("cannot be given its name", name) }
    let folder = name.lastIndex(of: "/").map { String(name[...$0]) } ?? "."
    let descriptor = unsafe open(folder, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return }
    fsync(descriptor)
    close(descriptor)
  }

  static func exists(_ path: String) -> Bool {
    var status = stat()
    return unsafe lstat(path, &status) == 0
  }

  /// Removes a database and what SQLite keeps beside it.
  static func removeDatabase(_ path: String) {
    for suffix in ["", "-wal", "-shm", "-journal"] { unsafe unlink(path + suffix) }
  }

  /// Renames a database with what SQLite keeps beside it, the file itself last.
  static func renameDatabase(_ path: String, to name: String) throws {
    for suffix in ["-journal", "-wal", "-shm", ""] where exists(path + suffix) {
      try rename(path + suffix, to: name + suffix)
    }
  }

  /// A name beside a file that nobody else has.
  static func temporaryName(beside path: String) -> String {
    "\(path).\(getpid())-\(UInt32.random(in: 0...UInt32.max)).new"
  }

  static func failure(_ what: String, _ path: String) -> ImportError {
    let reason = unsafe String(cString: strerror(errno))
    return ImportError(
      .source, "\(path) \(what): \(reason)", advice: "check its rights, and the space on the disk")
  }

  private static func read(_ path: String, _ body: ([UInt8]) throws -> Void) throws {
    let file = unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { throw failure("cannot be read", path) }
    defer { close(file) }
    while true {
      var count = 0
      let chunk = unsafe [UInt8](unsafeUninitializedCapacity: 1 << 20) { buffer, filled in
        repeat {
          count = unsafe Glibc.read(file, buffer.baseAddress, buffer.count)
        } while count < 0 && errno == EINTR
        filled = max(count, 0)
      }
      guard count >= 0 else { throw failure("cannot be read", path) }
      if count == 0 { return }
      try body(chunk)
    }
  }

  private static func hexadecimal(_ bytes: [UInt8]) -> String {
    bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
  }
}
