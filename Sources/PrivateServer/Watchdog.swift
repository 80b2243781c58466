// Removes temporary folders, and ends the servers in them, when this program dies in whatever way.

import Foundation
import Glibc
import Synchronization

/// Cleans up after this program, also where it is killed.
///
/// A shell in a session of its own reads from a pipe that only this program holds open. The kernel closes the
/// pipe when the program ends, whether it returns, crashes or is killed with SIGKILL; then the shell ends the
/// servers in the folders that it was told of and removes the folders.
public final class Watchdog: Sendable {
  /// Our end of the pipe: a socket, because writing to it need not raise SIGPIPE where the shell is gone.
  private let ours: Mutex<FileHandle>

  /// Starts the shell. Throws ``PrivateServerError``.
  public init() throws(PrivateServerError) {
    var ends: [Int32] = [0, 0]
    // Closed in every child: a child that held our end open would keep the shell waiting.
    let type = Int32(bitPattern: SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
    guard unsafe socketpair(AF_UNIX, type, 0, &ends) == 0 else {
      throw .fileFailed(path: "socketpair", reason: lastError())
    }
    ours = Mutex(FileHandle(fileDescriptor: ends[0], closeOnDealloc: true))
    let theirs = FileHandle(fileDescriptor: ends[1], closeOnDealloc: true)
    let shell = try ChildProcess.spawn(
      ["/bin/sh", "-c", Self.script], input: theirs.fileDescriptor, ownSession: true)
    // Nobody waits for it as long as it has work; this only clears it away if it is killed.
    Thread.detachNewThread { _ = ChildProcess.wait(for: shell) }
  }

  /// Has a folder, and every server in it, removed when this program has died.
  ///
  /// The folder need not exist, then or now. Its path must be absolute and hold no line feed.
  public func watch(_ folder: String) {
    precondition(folder.hasPrefix("/") && folder != "/" && !folder.contains("\n"))
    let line = Array("\(folder)\n".utf8)
    ours.withLock { socket in
      // Where this fails, the shell was killed and there is nobody to tell.
      _ = unsafe send(socket.fileDescriptor, line, line.count, Int32(MSG_NOSIGNAL))
    }
  }

  /// Reads folders until the pipe closes; then ends the servers in them and removes them.
  ///
  /// Servers are found by an argument that names the folder, and only PostgreSQL's own programs and pgbouncer are ended: by
  /// SIGQUIT, which is its immediate stop, and after five seconds by SIGKILL. A second pass catches
  /// a server that was being started in the first one.
  private static let script = """
    trap '' INT HUP TERM
    while IFS= read -r folder; do set -- "$@" "$folder"; done
    servers() {
      for file in $(grep -lzsF -- "$1/" /proc/[0-9]*/cmdline); do
        process=${file%/cmdline}
        case $(cat "$process/comm" 2>/dev/null) in
        postgres | initdb | pg_ctl | pgbouncer) echo "${process#/proc/}" ;;
        esac
      done
    }
    for pass in 1 2; do
      for folder; do
        signal=QUIT
        for wait in 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26; do
          found=$(servers "$folder")
          [ -n "$found" ] || break
          [ "$wait" -lt 25 ] || signal=KILL
          kill -s "$signal" $found 2>/dev/null
          sleep 0.2
        done
        rm -rf -- "$folder"
      done
      [ "$pass" = 2 ] || sleep 0.3
    done
    """
}
