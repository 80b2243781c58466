// One backup: file after file, then the manifest.

internal import Foundation
internal import SQLite

/// Makes a backup on the thread that it is called on.
struct BackupMaker {
  let folder: String
  let overwrites: Bool
  let job: BlockingJob
  let onEvent: @Sendable (ImportEvent) -> Void

  func make(of discovery: Discovery) throws -> BackupReport {
    let clock = ContinuousClock()
    let start = clock.now
    let manifest = BackupManifest.path(in: folder)
    guard overwrites || !BackupFile.exists(manifest) else {
      throw ImportError(
        .target, "\(folder) holds a backup already", advice: "give another folder, or --force to replace it")
    }
    try BackupFile.makeFolder(for: manifest)
    guard unsafe access(folder, W_OK) == 0 else { throw BackupFile.failure("cannot be written", folder) }
    var report = BackupReport(folder: folder)
    report.failed = discovery.unreadable
    onEvent(.planned(files: discovery.files.count, tables: discovery.files.count, rows: 0))
    for file in discovery.files {
      onEvent(
        .began(.backingUp, file: file.relativePath, table: "", target: folder, rows: 0))
      do {
        report.files.append(try back(up: file))
      } catch let error where !isFatal(error) {
        report.failed.append((file.relativePath, Self.reason(error)))
      }
      onEvent(.finished(.backingUp, file: file.relativePath, table: "", rows: 0, rejected: 0))
    }
    // Last: a folder without it is no backup yet.
    try write(BackupManifest(date: Date(), files: report.files), to: manifest)
    report.seconds = (clock.now - start) / .seconds(1)
    return report
  }

  private func back(up file: LegacyFile) throws -> BackupReport.File {
    let destination = folder + "/" + file.relativePath
    guard overwrites || !BackupFile.exists(destination) else {
      throw ImportError(.target, "\(destination) is there already", advice: "give another folder, or --force")
    }
    try BackupFile.makeFolder(for: destination)
    let new = BackupFile.temporaryName(beside: destination)
    defer { BackupFile.removeDatabase(new) }
    do {
      let source = try SQLiteConnection.snapshot(of: file.path)
      try job.watch(source)
      try source.backup(to: new) { _ in try job.check() }
    }
    try checkIntegrity(of: new)
    let digest = try BackupFile.digest(of: new, job: job)
    BackupFile.takeRights(of: file.path, for: new)
    try BackupFile.rename(new, to: destination)
    return BackupReport.File(path: file.relativePath, bytes: digest.bytes, sha256: digest.sha256)
  }

  /// A copy with faults is no backup: the source has them too.
  private func checkIntegrity(of copy: String) throws {
    let connection = try SQLiteConnection(path: copy, access: .readWrite)
    try job.watch(connection)
    if let fault = try connection.integrityCheck().first {
      throw ImportError(
        .source, "the file is damaged: \(fault.replacingOccurrences(of: "\n", with: " "))",
        advice: "save what can be read with the sqlite3 command's .recover")
    }
  }

  private func write(_ manifest: BackupManifest, to path: String) throws {
    let new = BackupFile.temporaryName(beside: path)
    defer { _ = unsafe unlink(new) }
    do {
      try Data(manifest.text.utf8).write(to: URL(filePath: new))
    } catch {
      throw ImportError(
        .target, "\(path) cannot be written", advice: "check the rights of the folder, and its space")
    }
    try BackupFile.rename(new, to: path)
  }

  /// Whether an error ends the whole work, other than that of one file.
  private func isFatal(_ error: any Error) -> Bool { job.isCancelled || error is CancellationError }

  /// An error in one line, without the path of our own copy.
  static func reason(_ error: any Error) -> String {
    switch error {
    case let error as ImportError: [error.message, error.advice].compactMap(\.self).joined(separator: "; ")
    case let error as SQLiteError: error.message
    default: String(describing: error)
    }
  }
}
