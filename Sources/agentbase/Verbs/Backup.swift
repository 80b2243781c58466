// agentbase backup: copies of the agents' SQLite files, consistent while agents write.

internal import AgentBase
internal import Foundation
internal import LegacyImport

extension Option where Value == String {
  fileprivate static let backupTo = path("to", "DIR", help: "the folder of the backup")
}

extension Flag {
  static let force = Flag("force", help: "replace what is there")
}

extension Verb {
  static let backup = Verb(
    name: "backup",
    summary: "Copies the SQLite files of agents, each checked for integrity, while agents may write",
    options: [
      Option.agentsPath.declaration, Option.backupTo.declaration, Flag.force.declaration,
      Flag.json.declaration, Flag.quiet.declaration,
    ]
  ) { arguments in
    let source = try arguments.required(.agentsPath)
    let folder = try arguments.required(.backupTo)
    let discovery = try LegacySource.folder(source).databases(agent: nil)
    try BackupFolder.check(folder)
    let display = ProgressDisplay(arguments)
    defer { display.end() }
    let report = try await SQLiteBackup.make(
      of: discovery, in: folder, overwrites: arguments[.force]
    ) { display.take($0) }
    display.end()
    return try BackupSummary(report: report, verb: "backed up").tell(arguments)
  }
}

/// Where a backup may go.
enum BackupFolder {
  /// Refuses a folder that holds anything but a backup: discovery passes by a folder of backups, so that an import
  /// would never again see the live files beside one; and `--force` would replace them.
  static func check(_ folder: String) throws(Failure) {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    guard names.isEmpty || names.contains(Discovery.backupMarker) else {
      throw Failure(
        "\(folder) holds other files: nothing was backed up",
        advice: "give a new or an empty folder with --to")
    }
  }
}

/// What a backup or a restoration did, for the user.
struct BackupSummary {
  let report: BackupReport
  let verb: String

  /// Prints what was done and what was not.
  func tell(_ arguments: Arguments) throws(Failure) -> ExitCode {
    if arguments[.json] {
      Output.standard(report.json.text)
    } else if !arguments[.quiet] {
      let from = report.source.map { " from \($0)" } ?? ""
      Output.standard(
        "\(verb) \(report.files.count.counted("file")), \(report.bytes.counted("byte")),\(from) to \(report.folder)"
      )
    }
    guard let first = report.failed.first else { return .done }
    let others = report.failed.dropFirst().map { printable($0.path) }
    Output.error(
      Failure(
        "\(printable(first.path)) was not \(verb): \(first.reason)",
        advice: (others.isEmpty ? "" : "nor were \(others.joined(separator: ", ")); ") + "the others are done"
      ).text)
    return .failed
  }
}
