// A legacy file: where it is, and whose.

/// A SQLite file below the agents' folder.
public struct LegacyFile: Sendable, Hashable {
  /// Where it is.
  public let path: String
  /// The path relative to the agents' folder, with `/` between.
  public let relativePath: String
  /// The agent that owns the file: `--agent`, or what its path says.
  public let agent: String
  /// Whether `agent` was given by the user, and so wins over the tables' own column.
  public let agentIsGiven: Bool

  /// A file of an agent.
  public init(path: String, relativePath: String, agent: String? = nil) {
    self.path = path
    self.relativePath = relativePath
    self.agent = agent ?? LegacyFile.agent(ofRelativePath: relativePath)
    agentIsGiven = agent != nil
  }

  /// The agent of a file, as in guide 1: the folders joined by `_`, so that `operational/crawler/memory.db` is of
  /// `operational_crawler`; of a file in the agents' folder itself, its name without the ending.
  public static func agent(ofRelativePath path: String) -> String {
    let parts = path.split(separator: "/")
    guard parts.count > 1 else {
      let name = parts.first.map(String.init) ?? path
      return name.lastIndex(of: ".").flatMap { $0 > name.startIndex ? String(name[..<$0]) : nil } ?? name
    }
    return parts.dropLast().joined(separator: "_")
  }

  /// The agent's category: the folder that the agent's own folder is in, where there is one.
  public var category: String? {
    let folders = relativePath.split(separator: "/").dropLast()
    return folders.count > 1 ? folders.dropLast().joined(separator: "/") : nil
  }
}
