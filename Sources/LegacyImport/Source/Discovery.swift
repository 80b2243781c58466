// Finds every SQLite database below a folder, by what it is and not by its name, each once.

import Foundation
import SQLite

/// What stands below an agents' folder.
public struct Discovery: Sendable {
  /// The databases, in the order of their relative paths.
  public private(set) var files: [LegacyFile] = []
  /// Files that are named as databases but cannot be read as such, and folders that cannot be entered, with the reason.
  public private(set) var unreadable: [(path: String, reason: String)] = []
  /// Folders that hold backups, and were passed by.
  public private(set) var passedBy: [String] = []
  /// Two folders whose names make one agent, by agent.
  public private(set) var collisions: [String: [String]] = [:]

  /// The marker file of a folder that discovery passes by: it holds backups.
  public static let backupMarker = ".agentbase-backup"

  /// Looks through a folder and all below it. Links to folders are not followed; a file reached by two names counts once.
  ///
  /// - Parameter agent: the agent of every file, where the user gives one.
  /// - Throws: `ImportError` where `root` is no folder that can be read.
  public init(root: String, agent: String? = nil) throws(ImportError) {
    guard let identity = FileIdentity(path: root) else {
      throw ImportError(
        .source, "there is no folder \(root)", advice: "give the agents' folder with --agents-path")
    }
    guard identity.isFolder else {
      throw ImportError(
        .source, "\(root) is a file, not a folder", advice: "give a single file with --sqlite FILE")
    }
    guard (try? FileManager.default.contentsOfDirectory(atPath: root)) != nil else {
      throw ImportError(.source, "the folder \(root) cannot be read", advice: "check its rights")
    }
    var seen: Set<FileIdentity> = []
    visit(root, relativePath: "", agent: agent, seen: &seen)
    files.sort { $0.relativePath.utf8.lexicographicallyPrecedes($1.relativePath.utf8) }
    collisions = Self.collisions(among: files)
  }

  /// A single file. Its path counts from the last folder called `agents` that it is in, so that the file has the same identity
  /// as in an import of that folder; where there is none, from the file's own folder.
  ///
  /// - Throws: `ImportError` where it is no database that can be read.
  public init(file path: String, agent: String? = nil) throws(ImportError) {
    if let reason = Self.reasonAgainst(path) { throw reason }
    let parts = URL(filePath: path).standardizedFileURL.pathComponents
    let start = parts.dropLast().lastIndex(of: "agents").map { $0 + 1 } ?? parts.count - 1
    files = [LegacyFile(path: path, relativePath: parts[start...].joined(separator: "/"), agent: agent)]
  }

  // MARK: - Walking

  private mutating func visit(
    _ folder: String, relativePath: String, agent: String?, seen: inout Set<FileIdentity>
  ) {
    let names: [String]
    do {
      names = try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
    } catch {
      unreadable.append((relativePath, "the folder cannot be read"))
      return
    }
    // The folder that the user names is meant, backup or not.
    if names.contains(Self.backupMarker), !relativePath.isEmpty {
      passedBy.append(relativePath)
      return
    }
    for name in names {
      let path = folder + "/" + name
      let relative = relativePath.isEmpty ? name : relativePath + "/" + name
      guard let identity = FileIdentity(path: path) else {
        unreadable.append((relative, "it is a link to nothing, or cannot be reached"))
        continue
      }
      if identity.isFolder {
        if !identity.isLink { visit(path, relativePath: relative, agent: agent, seen: &seen) }
        continue
      }
      guard identity.isFile, !seen.contains(identity) else { continue }
      switch SQLiteFile.kind(path) {
      case .database:
        seen.insert(identity)
        files.append(LegacyFile(path: path, relativePath: relative, agent: agent))
      case .unreadable, .other:
        guard Self.isNamedAsDatabase(name) else { continue }
        unreadable.append((relative, Self.reasonAgainst(path)?.message ?? "it cannot be read"))
      case .empty, .directory, .missing: continue
      }
    }
  }

  private static func isNamedAsDatabase(_ name: String) -> Bool {
    [".db", ".sqlite", ".sqlite3", ".db3"].contains { name.lowercased().hasSuffix($0) }
  }

  /// Why a file cannot be imported, or nil where it can.
  static func reasonAgainst(_ path: String) -> ImportError? {
    switch SQLiteFile.kind(path) {
    case .database, .empty: nil
    case .missing: ImportError(.source, "there is no file \(path)", advice: "check the path")
    case .directory: ImportError(.source, "\(path) is a folder", advice: "give a folder with --agents-path")
    case .unreadable(let code):
      ImportError(
        .source, "\(path) cannot be read: \(unsafe String(cString: strerror(code)))",
        advice: "check its rights")
    case .other:
      ImportError(
        .source, "\(path) is not a SQLite database, or it is encrypted",
        advice: "decrypt it first, or leave it out")
    }
  }

  /// The bytes of all files, write-ahead logs included.
  var bytes: Int {
    files.flatMap { [$0.path, $0.path + "-wal"] }.reduce(0) { sum, path in
      var status = stat()
      return unsafe stat(path, &status) == 0 ? sum + Int(status.st_size) : sum
    }
  }

  private static func collisions(among files: [LegacyFile]) -> [String: [String]] {
    let folders = Dictionary(grouping: files.filter { !$0.agentIsGiven }, by: \.agent).mapValues { files in
      Set(files.map { $0.relativePath.split(separator: "/").dropLast().joined(separator: "/") }).sorted()
    }
    return folders.filter { $0.value.count > 1 }
  }
}

/// Which file a path leads to, links followed.
private struct FileIdentity: Hashable {
  let device: UInt64
  let node: UInt64
  let mode: UInt32
  let isLink: Bool

  var isFolder: Bool { mode & S_IFMT == S_IFDIR }
  var isFile: Bool { mode & S_IFMT == S_IFREG }

  init?(path: String) {
    var status = stat()
    guard unsafe lstat(path, &status) == 0 else { return nil }
    isLink = status.st_mode & S_IFMT == S_IFLNK
    if isLink {
      guard unsafe stat(path, &status) == 0 else { return nil }
    }
    device = UInt64(status.st_dev)
    node = UInt64(status.st_ino)
    mode = status.st_mode
  }

  static func == (left: FileIdentity, right: FileIdentity) -> Bool {
    left.device == right.device && left.node == right.node
  }

  func hash(into hasher: inout Hasher) {
    hasher.combine(device)
    hasher.combine(node)
  }
}
