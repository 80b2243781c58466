// Who runs the server: we ourselves, or the user `postgres` where we are root.

import Foundation
import Glibc

/// The user that runs the server's programs when this program runs as root, which `initdb` refuses.
struct ServerAccount: Sendable {
  static let name = "postgres"

  let user: uid_t
  let group: gid_t

  /// The account to use; nil where we are not root and run the server as ourselves.
  static func current() throws(PrivateServerError) -> ServerAccount? {
    guard geteuid() == 0 else { return nil }
    guard let account = lookUp() else { throw .noServerAccount(name: name) }
    return account
  }

  private static func lookUp() -> ServerAccount? {
    var entry = unsafe passwd()
    var found: UnsafeMutablePointer<passwd>?
    var text = [CChar](repeating: 0, count: 16_384)
    let code = unsafe getpwnam_r(name, &entry, &text, text.count, &found)
    guard code == 0, unsafe found != nil else { return nil }
    return unsafe ServerAccount(user: entry.pw_uid, group: entry.pw_gid)
  }

  /// The command that runs another as this user, with that user's groups.
  func running(_ command: [String]) -> [String] {
    ["/usr/bin/setpriv", "--reuid=\(user)", "--regid=\(group)", "--init-groups", "--"] + command
  }

  /// Makes a file or a folder this user's own.
  func own(_ path: String) throws(PrivateServerError) {
    guard unsafe lchown(path, user, group) == 0 else {
      throw .fileFailed(path: path, reason: "cannot be given to \(Self.name): \(lastError())")
    }
  }

  /// Throws ``PrivateServerError/unreachable(path:blockedAt:account:)`` where this user cannot enter a folder.
  func checkReach(of directory: String) async throws(PrivateServerError) {
    let test = try await ChildProcess.run(running(["/usr/bin/test", "-x", directory]))
    guard test.status != 0 else { return }
    throw .unreachable(
      path: directory, blockedAt: firstClosedFolder(towards: directory), account: Self.name)
  }

  /// The first folder on the way that only others may enter: a name for the message, not a decision.
  private func firstClosedFolder(towards directory: String) -> String {
    var path = ""
    for component in directory.split(separator: "/") {
      path += "/\(component)"
      var status = stat()
      guard unsafe stat(path, &status) == 0 else { break }
      let open = status.st_uid == user ? S_IXUSR : status.st_gid == group ? S_IXGRP : S_IXOTH
      if status.st_mode & open == 0 { return path }
    }
    return directory
  }
}

/// The text of the C library's last error.
func lastError() -> String { unsafe String(cString: strerror(errno)) }
