// `agentbase rollback`: SQLite files again, from what Postgres holds.

import AgentBase
import Foundation
import Postgres

/// Makes legacy SQLite files again: every imported row as it was, in the table that it came from, and beside them, in tables of
/// the library's own, what agents have written since.
///
/// A file stands under its name only when it is complete, and no file that is there is touched. What the ledger knows of
/// the rows' digests is compared with the digests of the new file: the rollback proves itself without the old file.
public struct Rollback: Sendable {
  /// Where to write.
  public enum Destination: Sendable {
    /// Every agent's files, at their old places below a folder.
    case folder(String)
    /// The one file of one agent.
    case file(String, agent: String)
  }

  private let postgresURL: String
  private let destination: Destination
  private let onEvent: @Sendable (ImportEvent) -> Void

  /// A rollback from a server.
  public init(
    postgresURL: String, destination: Destination,
    onEvent: @escaping @Sendable (ImportEvent) -> Void = { _ in }
  ) {
    self.postgresURL = postgresURL
    self.destination = destination
    self.onEvent = onEvent
  }

  // MARK: - Running

  /// Writes the files.
  ///
  /// - Throws: `ImportError` where a file is there already, or the target holds nothing to go back to; `PostgresError`, `SQLiteError`.
  public func run() async throws -> RollbackReport {
    let start = ContinuousClock.now
    let target = try await ImportTargetServer(postgresURL: postgresURL, for: .reading)
    guard target.hasSchema else {
      throw ImportError(
        .target, "the database has no tables of agentbase",
        advice: "check the URL: nothing has been imported there")
    }
    let archive = Archive(connection: target.connection)
    var report = RollbackReport()
    let plan = try await plan(archive)
    for file in plan where FileManager.default.fileExists(atPath: file.path) {
      throw ImportError(
        .source, "\(file.path) is there already", advice: "give an empty folder, or move the file away")
    }
    let size = try await archive.size(of: plan.compactMap(\.archived))
    onEvent(.planned(files: plan.count, tables: size.tables, rows: size.rows))
    for file in plan {
      try Task.checkCancellation()
      let outcome = try await FileRestoration(archive: archive, file: file, onEvent: onEvent).run()
      report.files.append(outcome.report)
      report.warnings += outcome.warnings
    }
    await target.connection.close()
    report.seconds = start.secondsAgo
    return report
  }

  /// Which files to write, and whose new rows go into which.
  private func plan(_ archive: Archive) async throws -> [PlannedFile] {
    let files = try await archive.files()
    var homes = RollbackHomes(files: files)
    switch destination {
    case .folder(let folder):
      for agent in try await archive.agentsThatWrote() { homes.settle(agent) }
      return try homes.planned { path throws(ImportError) in try RollbackHomes.place(path, in: folder) }
    case .file(let path, let agent):
      let own = files.filter { $0.agent == agent }
      guard own.count <= 1 else {
        throw ImportError(
          .source, "the agent \(agent) has \(own.count) files: \(own.map(\.path).joined(separator: ", "))",
          advice: "write them all, with --agents-path DIR")
      }
      homes = RollbackHomes(files: own)
      if try await archive.agentsThatWrote().contains(agent) { homes.settle(agent) }
      let planned = try homes.planned { _ in path }
      guard !planned.isEmpty else {
        throw ImportError(
          .source, "Postgres holds nothing of the agent \(agent)",
          advice: "agentbase memory list --agent ID shows what it holds")
      }
      return planned
    }
  }
}
