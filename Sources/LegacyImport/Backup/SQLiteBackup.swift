// Backs up the SQLite files of agents, while the agents go on writing.

public import AgentBase
internal import Foundation
internal import SQLite

/// Backups of legacy files, and their way back.
public enum SQLiteBackup {
  /// Copies each database below a folder into another, under the same relative path, each as it is at one moment.
  ///
  /// A copy is checked for integrity before it gets its name. A file that cannot be copied, or is damaged, is named in
  /// the report, and the others are done. The manifest, with sizes and digests, is written last.
  ///
  /// - Throws: `ImportError` where the backup as a whole cannot be made: the folder cannot be written, or holds a
  ///   backup already and `overwrites` is false. `CancellationError`, with nothing left in the folder of what this call
  ///   had not finished.
  public static func make(
    of discovery: Discovery, in folder: String, overwrites: Bool = false,
    onEvent: @escaping @Sendable (ImportEvent) -> Void = { _ in }
  ) async throws -> BackupReport {
    try await BlockingJob.run { job in
      try BackupMaker(folder: folder, overwrites: overwrites, job: job, onEvent: onEvent).make(of: discovery)
    }
  }

  /// Copies each database below the folder `root`; see `make(of:in:overwrites:onEvent:)`.
  public static func make(of root: String, in folder: String) async throws -> BackupReport {
    try await make(of: try Discovery(root: root), in: folder)
  }

  /// Puts the files of a backup back below a folder, each compared with the manifest's digest before it gets its name.
  ///
  /// - Parameters:
  ///   - backup: a folder that `make` wrote, or one that holds such folders: then the newest of them.
  ///   - overwrites: whether files that are there already are replaced; else nothing at all is written.
  /// - Throws: `ImportError` where the restoration as a whole cannot be made.
  public static func restore(
    from backup: String, to folder: String, overwrites: Bool = false,
    onEvent: @escaping @Sendable (ImportEvent) -> Void = { _ in }
  ) async throws -> BackupReport {
    try await BlockingJob.run { job in
      try BackupRestorer(folder: folder, overwrites: overwrites, job: job, onEvent: onEvent).restore(backup)
    }
  }

  /// A folder for a backup that is made now: `sqlite_backup_` and the time, UTC, so that names sort by age; `_2` and so
  /// on where there is one already.
  public static func newFolder(in folder: String) -> String {
    let name = folder + "/sqlite_backup_" + BackupManifest.compactTime(Date())
    let others = (2...).lazy.map { name + "_\($0)" }
    return BackupFile.exists(name) ? others.first { !BackupFile.exists($0) } ?? name : name
  }
}

/// What a backup or a restoration did.
public struct BackupReport: Sendable {
  /// A file that was copied.
  public struct File: Sendable {
    /// The path relative to the agents' folder.
    public let path: String
    /// Its size.
    public let bytes: Int64
    /// SHA-256 of its bytes, in hexadecimal digits.
    public let sha256: String
  }

  /// The folder that was written.
  public let folder: String
  /// The backup that was read, for a restoration.
  public internal(set) var source: String?
  /// The files.
  public internal(set) var files: [File] = []
  /// Files that could not be copied, or are damaged, with the reason.
  public internal(set) var failed: [(path: String, reason: String)] = []
  /// Seconds that it took.
  public internal(set) var seconds = 0.0

  /// The sizes of all files.
  public var bytes: Int64 { files.reduce(0) { $0 + $1.bytes } }

  /// 1 where a file failed, else 0.
  public var exitCode: Int32 { failed.isEmpty ? 0 : 1 }

  init(folder: String) { self.folder = folder }

  /// The report as JSON.
  public var json: JSON {
    [
      "folder": .string(folder), "source": source.map(JSON.string) ?? .null,
      "files": .array(files.map(\.json)),
      "failed": .array(failed.map { ["path": .string($0.path), "reason": .string($0.reason)] }),
      "bytes": .integer(bytes), "duration_seconds": .real(seconds) ?? .null,
    ]
  }
}

extension BackupReport.File {
  /// The file as the manifest and the report print it.
  var json: JSON { ["path": .string(path), "bytes": .integer(bytes), "sha256": .string(sha256)] }
}
