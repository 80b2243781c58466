// What can go wrong with a private server, each with what to do about it.

/// Why a private server could not be found, started, stopped or used.
public enum PrivateServerError: Error, Sendable, Equatable {
  /// No PostgreSQL server is installed in any of the folders that were searched.
  case noBinaries(searched: [String])
  /// A folder that was named as a server's `bin` folder does not hold one.
  case notBinaries(directory: String)
  /// The program runs as root, which PostgreSQL refuses, and there is no user to run the server as.
  case noServerAccount(name: String)
  /// The user that the server runs as cannot enter a folder on the way to `path`.
  case unreachable(path: String, blockedAt: String, account: String)
  /// The folder holds something else than a private server.
  case occupied(directory: String)
  /// The folder's data belong to another major version than the binaries.
  case wrongVersion(directory: String, data: Int, binaries: Int)
  /// One of PostgreSQL's own programs failed; `output` is what it said, and the end of the server's log.
  case commandFailed(program: String, status: Int32, output: String)
  /// A file or a folder could not be made, read, moved or removed.
  case fileFailed(path: String, reason: String)
}

extension PrivateServerError: CustomStringConvertible {
  /// One or two lines: what failed, for which folder, and what to do.
  public var description: String {
    switch self {
    case .noBinaries(let searched):
      """
      no PostgreSQL server found in \(searched.joined(separator: ", "))
      install one: apt-get install postgresql (Debian, Ubuntu), or run Scripts/setup
      """
    case .notBinaries(let directory):
      "\(directory) does not hold a PostgreSQL server (postgres, initdb, pg_ctl and its share folder)"
    case .noServerAccount(let name):
      """
      PostgreSQL does not run as root, and there is no user "\(name)" to run it as
      make one: useradd --system \(name), or apt-get install postgresql; or run this as another user
      """
    case .unreachable(let path, let blockedAt, let account):
      """
      the user "\(account)", who runs the server when root starts it, cannot enter \(blockedAt), which \
      is on the way to \(path)
      choose a folder that everybody can reach, such as one in /tmp or /var/lib
      """
    case .occupied(let directory):
      "\(directory) is not empty and holds no private server: choose an empty or a new folder"
    case .wrongVersion(let directory, let data, let binaries):
      "\(directory) holds data of PostgreSQL \(data), which PostgreSQL \(binaries) cannot read"
    case .commandFailed(let program, let status, let output):
      "\(program) failed with exit code \(status)\(output.isEmpty ? "" : ": \(output)")"
    case .fileFailed(let path, let reason):
      """
      \(path) cannot be used: \(reason)
      check that it is a folder, or a new one, and may be written
      """
    }
  }
}
