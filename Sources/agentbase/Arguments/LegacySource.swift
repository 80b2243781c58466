// The legacy files that a verb works on.

internal import LegacyImport

/// The legacy files that a verb works on.
enum LegacySource: Sendable {
  case folder(String)
  case file(String)

  /// The one source that the user named.
  init(_ arguments: Arguments) throws(UsageError) {
    switch (try arguments.value(.agentsPath), try arguments.value(.sqlite)) {
    case (let folder?, nil): self = .folder(folder)
    case (nil, let file?): self = .file(file)
    case (nil, nil): throw UsageError("no source is given: --agents-path DIR or --sqlite FILE is needed")
    case (.some, .some): throw UsageError("--agents-path and --sqlite contradict each other: give one")
    }
  }

  /// The folder or the file, as the user named it.
  var path: String {
    switch self {
    case .folder(let path), .file(let path): path
    }
  }

  /// Looks for the databases; `agent` is whose they are, where the user says so.
  func discovery(agent: String?) throws(ImportError) -> Discovery {
    switch self {
    case .folder(let folder): try Discovery(root: folder, agent: agent)
    case .file(let file): try Discovery(file: file, agent: agent)
    }
  }

  /// Looks for the databases of a verb that has nothing to do without one: that the folder is the wrong one is more
  /// likely than that its agents have no files.
  func databases(agent: String?) throws(ImportError) -> Discovery {
    let discovery = try discovery(agent: agent)
    if case .folder(let folder) = self, discovery.files.isEmpty, discovery.unreadable.isEmpty {
      throw ImportError(
        .source, "there is no SQLite database below \(folder)",
        advice:
          "give the agents' folder with --agents-path; a folder of backups (\(Discovery.backupMarker)) is passed by"
      )
    }
    return discovery
  }
}
