// The way back of a backup: file after file, each compared with the manifest before it gets its name.

internal import Foundation
internal import SQLite

/// Restores a backup on the thread that it is called on.
struct BackupRestorer {
  let folder: String
  let overwrites: Bool
  let job: BlockingJob
  let onEvent: @Sendable (ImportEvent) -> Void

  func restore(_ given: String) throws -> BackupReport {
    let clock = ContinuousClock()
    let start = clock.now
    let backup = Self.newestBackup(in: given)
    let manifest = try BackupManifest(readingFrom: backup)
    try refuseToOverwrite(manifest)
    var report = BackupReport(folder: folder)
    report.source = backup
    onEvent(.planned(files: manifest.files.count, tables: manifest.files.count, rows: 0))
    for file in manifest.files {
      onEvent(.began(.restoring, file: file.path, table: "", target: folder, rows: 0))
      do {
        try restore(file, from: backup)
        report.files.append(file)
      } catch let error where !(job.isCancelled || error is CancellationError) {
        report.failed.append((file.path, BackupMaker.reason(error)))
      }
      onEvent(.finished(.restoring, file: file.path, table: "", rows: 0, rejected: 0))
    }
    report.seconds = (clock.now - start) / .seconds(1)
    return report
  }

  /// Nothing is written where one file would be overwritten: a folder half old and half new helps nobody.
  private func refuseToOverwrite(_ manifest: BackupManifest) throws {
    guard !overwrites else { return }
    let there = manifest.files.map { folder + "/" + $0.path }.filter(BackupFile.exists)
    guard let first = there.first else { return }
    let others = there.count > 1 ? " and \(there.count - 1) more" : ""
    throw ImportError(
      .target, "\(first)\(others) would be overwritten: nothing was restored",
      advice: "stop the agents and give --force to replace the files, or restore into another folder")
  }

  private func restore(_ file: BackupReport.File, from backup: String) throws {
    let destination = folder + "/" + file.path
    try BackupFile.makeFolder(for: destination)
    let new = BackupFile.temporaryName(beside: destination)
    defer { BackupFile.removeDatabase(new) }
    let source = backup + "/" + file.path
    let copied = try BackupFile.copy(source, to: new, job: job)
    guard copied.bytes == file.bytes, copied.sha256 == file.sha256 else {
      throw ImportError(
        .source, "the backup's file is not what was backed up (its SHA-256 differs)",
        advice: "take another backup of it")
    }
    let connection = try SQLiteConnection(path: new, access: .readWrite)
    try job.watch(connection)
    if let fault = try connection.integrityCheck().first {
      throw ImportError(
        .source, "the backup's file is damaged: \(fault)", advice: "take another backup of it")
    }
    BackupFile.takeRights(of: source, for: new)
    guard overwrites, BackupFile.exists(destination) else {
      return try BackupFile.rename(new, to: destination)
    }
    // SQLite would play an old log or journal into the restored file: the old database goes away as a whole.
    let old = destination + ".replaced"
    BackupFile.removeDatabase(old)
    try BackupFile.renameDatabase(destination, to: old)
    do {
      try BackupFile.rename(new, to: destination)
    } catch {
      try BackupFile.renameDatabase(old, to: destination)
      throw error
    }
    BackupFile.removeDatabase(old)
  }

  /// The folder itself where it is a backup, else the newest of the backups in it.
  private static func newestBackup(in folder: String) -> String {
    guard !BackupFile.exists(BackupManifest.path(in: folder)) else { return folder }
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    let newest = names.filter { name in
      name.hasPrefix("sqlite_backup_") && BackupFile.exists(BackupManifest.path(in: folder + "/" + name))
    }.max()
    return newest.map { folder + "/" + $0 } ?? folder
  }
}
