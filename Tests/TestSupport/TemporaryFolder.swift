// A folder that is gone when the test is over.

import Foundation

/// An empty folder that is removed with the value, and with the test process in any case.
public final class TemporaryFolder: Sendable {
  /// The folder's absolute path.
  public let path: String

  /// Makes the folder.
  public init(_ name: String = "folder") throws {
    path = try TestProcess.newPath(name)
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  /// The path of a file or a folder in it; makes the folders on the way.
  public func file(_ name: String) throws -> String {
    let file = "\(path)/\(name)"
    let parent = URL(filePath: file).deletingLastPathComponent().path
    try FileManager.default.createDirectory(atPath: parent, withIntermediateDirectories: true)
    return file
  }

  /// Runs the body with a new folder, and removes the folder.
  public nonisolated(nonsending) static func with<Result>(
    _ name: String = "folder",
    _ body: nonisolated(nonsending) (TemporaryFolder) async throws -> Result
  ) async throws -> Result {
    let folder = try TemporaryFolder(name)
    defer { withExtendedLifetime(folder) {} }
    return try await body(folder)
  }
}
