// A backup before steps, and the immediate way back to it.

internal import Foundation
internal import Postgres
internal import SQLite

extension Migrator {
  /// Copies the SQLite file into a folder while others write, and checks the copy for integrity.
  ///
  /// - Returns: the copy's path: the file's name, its version and the time, UTC.
  /// - Throws: `backup` where the copy cannot be made or is damaged: then there is none. For Postgres it says which statement
  ///   makes one.
  @concurrent public func backUp(to folder: String) async throws -> String {
    try await backUp(to: folder, as: "v\(try await history().version)")
  }

  private func backUp(to folder: String, as word: String) async throws -> String {
    guard case .sqlite(let path) = database else {
      throw MigrationError(
        .backup, "a backup of a Postgres database is made by the server's own program",
        advice: "run it first: \(backupStatement(to: folder) ?? "pg_dump")")
    }
    do {
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    } catch {
      throw MigrationError(
        .backup, "the folder \(folder) cannot be made: \(error.localizedDescription)",
        advice: "give a folder that can be written", file: folder)
    }
    let copy = Self.newName(for: path, in: folder, word)
    do {
      try await Self.withFile(path, makes: false, wait: options.lockWait) { try $0.backup(to: copy) }
      try await Self.checkIntegrity(of: copy, wait: options.lockWait)
    } catch let error as MigrationError where error.code != .backup {
      throw MigrationError(
        .backup, "\(path) could not be backed up: \(error.message)", advice: "nothing was changed",
        file: path,
        underlying: error)
    } catch let error as MigrationError {
      try? FileManager.default.removeItem(atPath: copy)
      throw error
    }
    options.onEvent?(.backedUp(copy))
    return copy
  }

  /// The command that makes a backup of a Postgres database, without a password; nil for SQLite.
  public func backupStatement(to folder: String) -> String? {
    guard case .postgres(let configuration) = database else { return nil }
    func quoted(_ word: String) -> String { "'" + word.replacing("'", with: "'\\''") + "'" }
    let places = [
      ("-h", configuration.host), ("-p", configuration.port), ("-U", configuration.user),
      ("-d", configuration.database),
    ]
    let words = places.compactMap { flag, value in value.map { "\(flag) \(quoted($0))" } }
    let file = "\(folder)/\(configuration.database ?? "database").dump"
    return (["pg_dump --format=custom --file \(quoted(file))"] + words).joined(separator: " ")
  }

  /// Puts a backup of the SQLite file back, in one transaction: connections that are open see it with their next statement.
  ///
  /// The backup is checked first. What the file held until then is kept beside the backup.
  ///
  /// - Returns: the path of that copy.
  /// - Throws: `backup` where the backup is damaged or cannot be put back: then the file is as it was.
  @concurrent public func restore(from backup: String) async throws -> String {
    guard case .sqlite(let path) = database else {
      throw MigrationError(
        .backup, "a backup of a Postgres database is put back by the server's own program",
        advice: "pg_restore --clean --if-exists --single-transaction -d DATABASE FILE")
    }
    try await Self.checkIntegrity(of: backup, wait: options.lockWait)
    let folder = backup.lastIndex(of: "/").map { String(backup[..<$0]) } ?? "."
    let replaced = try await backUp(to: folder, as: "replaced")
    do {
      try await Self.withFile(path, makes: false, wait: options.lockWait) { connection in
        try SQLiteConnection(path: backup, access: .readOnly).copyContents(to: connection)
      }
    } catch let error as MigrationError {
      throw MigrationError(
        .backup, "\(backup) could not be put back: \(error.message)",
        advice: "\(path) is as it was; stop what uses it, and try again", file: path, underlying: error)
    }
    try await Self.checkIntegrity(of: path, wait: options.lockWait)
    return replaced
  }

  private static func checkIntegrity(of path: String, wait: Duration) async throws {
    let faults: [String]
    do {
      faults = try await withFile(path, makes: false, wait: wait) { try $0.integrityCheck() }
    } catch let error as MigrationError {
      throw MigrationError(
        .backup, "\(path) cannot be checked: \(error.message)", file: path, underlying: error)
    }
    guard faults.isEmpty else {
      throw MigrationError(
        .backup, "\(path) is damaged: \(faults[0])", advice: "use another backup", file: path)
    }
  }

  /// A name that no file has yet.
  private static func newName(for path: String, in folder: String, _ word: String) -> String {
    let url = URL(filePath: path)
    let time = Date().formatted(
      .iso8601.year().month().day().dateSeparator(.omitted).time(includingFractionalSeconds: false)
        .timeSeparator(.omitted))
    let stem = "\(folder)/\(url.deletingPathExtension().lastPathComponent)-\(word)-\(time)"
    let names = ["\(stem).db"] + (2...999).map { "\(stem)_\($0).db" }
    return names.first { !FileManager.default.fileExists(atPath: $0) } ?? names[0]
  }
}
