// Which file takes what an agent has written since the import.

/// A file that is to be written.
struct PlannedFile: Sendable {
  /// Where it is written.
  let path: String
  /// The file that was imported; nil for a new one.
  let archived: ArchivedFile?
  /// The agents whose new rows go into it.
  var writers: [String]
  /// Whose file it is.
  var owner: String { archived?.agent ?? writers.first ?? "" }
}

/// Finds a file for each agent. Pure.
struct RollbackHomes {
  private var files: [(archived: ArchivedFile?, path: String, writers: [String])]

  init(files: [ArchivedFile]) { self.files = files.map { ($0, $0.path, []) } }

  /// Gives an agent's new rows a place: a file of its own that has memories, else any of its own, else one that held rows of
  /// it, else a new file.
  mutating func settle(_ agent: String) {
    let places = files.indices
    let home =
      places.first { files[$0].archived?.agent == agent && files[$0].archived?.hasMemories == true }
      ?? places.first { files[$0].archived?.agent == agent }
      ?? places.first { files[$0].archived?.rowAgents.contains(agent) == true }
    if let home {
      files[home].writers.append(agent)
    } else {
      // An agent's id may hold what a path must not.
      let name = agent.replacing("/", with: "_")
      files.append((nil, (name.hasPrefix(".") ? "_" + name : name) + "/memory.db", [agent]))
    }
  }

  /// The files, with their places. Where the files of several agents had one path, each is put below its agent.
  func planned(at place: (String) throws(ImportError) -> String) throws(ImportError) -> [PlannedFile] {
    let counts = Dictionary(grouping: files.map(\.path)) { $0 }.mapValues(\.count)
    var planned: [PlannedFile] = []
    for file in files {
      let path = counts[file.path] == 1 ? file.path : (file.archived?.agent ?? "") + "/" + file.path
      planned.append(PlannedFile(path: try place(path), archived: file.archived, writers: file.writers))
    }
    return planned
  }

  /// A file's place below a folder.
  ///
  /// - Throws: `ImportError` where the path, which stood in a database that others can write to, would lead out of the folder.
  static func place(_ path: String, in folder: String) throws(ImportError) -> String {
    let parts = path.split(separator: "/", omittingEmptySubsequences: false)
    guard !parts.contains(where: { $0.isEmpty || $0 == "." || $0 == ".." }), !path.utf8.contains(0) else {
      throw ImportError(
        .target, "agent_import_files names the file \(path), which is not below a folder",
        advice: "nothing was written; write that file by itself, with --sqlite FILE --agent ID")
    }
    return folder + "/" + path
  }
}
