// agentbase restore: the files of a backup put back, each compared with the manifest.

internal import AgentBase
internal import LegacyImport

extension Option where Value == String {
  fileprivate static let restoreFrom = path(
    "from", "DIR", help: "the backup, or a folder of backups: then the newest")
  fileprivate static let restoreTo = path("to", "DIR", help: "the same as --agents-path")
}

extension Verb {
  static let restore = Verb(
    name: "restore", summary: "Puts the files of a backup back, each compared with its digest",
    options: [
      Option.restoreFrom.declaration, Option.agentsPath.declaration, Option.restoreTo.declaration,
      Flag.force.declaration, Flag.json.declaration, Flag.quiet.declaration,
    ],
    notes: ["Stop the agents before you replace their files with --force."]
  ) { arguments in
    let backup = try arguments.required(.restoreFrom)
    let folder: String
    switch (try arguments.value(.agentsPath), try arguments.value(.restoreTo)) {
    case (let path?, nil), (nil, let path?): folder = path
    case (nil, nil): throw UsageError("--agents-path DIR is needed: where do the files go?")
    case (.some, .some): throw UsageError("--agents-path and --to are the same: give one")
    }
    let display = ProgressDisplay(arguments)
    defer { display.end() }
    let report = try await SQLiteBackup.restore(from: backup, to: folder, overwrites: arguments[.force]) {
      display.take($0)
    }
    display.end()
    return try BackupSummary(report: report, verb: "restored").tell(arguments)
  }
}
