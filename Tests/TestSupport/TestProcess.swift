// What belongs to this test process as a whole: one folder for everything, and its watchdog.

import Foundation
public import PrivateServer

/// The folder in which this test process keeps all of its files and servers.
///
/// A watchdog ends the servers and removes the folder when the process ends, also where it is killed.
public enum TestProcess {
  private static let shared = Result<(folder: String, watchdog: Watchdog), PrivateServerError> {
    () throws(PrivateServerError) in
    let watchdog = try Watchdog()
    let folder = NSTemporaryDirectory() + "agentbase-tests-\(UUID().uuidString.prefix(8))"
    // The watchdog learns of it first, so that there is no moment at which it could be left behind.
    watchdog.watch(folder)
    do {
      // Others may pass through: the user who runs the servers when root runs the tests.
      try FileManager.default.createDirectory(
        atPath: folder, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o711])
    } catch {
      throw .fileFailed(path: folder, reason: error.localizedDescription)
    }
    return (folder, watchdog)
  }

  /// The folder's path.
  public static var folder: String {
    get throws { try shared.get().folder }
  }

  /// What removes it.
  public static var watchdog: Watchdog {
    get throws { try shared.get().watchdog }
  }

  /// A path in the folder that nobody has used yet.
  static func newPath(_ name: String) throws -> String {
    "\(try folder)/\(name)-\(UUID().uuidString.prefix(8))"
  }
}
