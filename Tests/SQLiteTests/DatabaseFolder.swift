// A folder for the database files of one test, gone with it.

import Foundation
import SQLite

/// An empty folder that is removed with the value.
final class DatabaseFolder: Sendable {
  let path: String

  init() throws {
    path = NSTemporaryDirectory() + "sqlite-tests-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  func file(_ name: String = "agent.db") -> String { "\(path)/\(name)" }

  /// The bytes of every file in the folder, by name, without the files of shared memory.
  func bytes(of folder: String? = nil) throws -> [String: Data] {
    var files: [String: Data] = [:]
    let folder = folder ?? path
    for name in try FileManager.default.contentsOfDirectory(atPath: folder) where !name.hasSuffix("-shm") {
      files[name] = try Data(contentsOf: URL(filePath: "\(folder)/\(name)"))
    }
    return files
  }
}

/// A process that is waited for, or killed with the value.
final class ChildProcess {
  private let process = Process()
  private let input = Pipe()
  private let output = Pipe()

  /// The sqlite3 command; nil where it is not installed.
  static let sqlite3: String? =
    ["/usr/bin/sqlite3", "/usr/local/bin/sqlite3"].first { FileManager.default.isExecutableFile(atPath: $0) }

  init(_ executable: String, _ arguments: [String]) throws {
    process.executableURL = URL(filePath: executable)
    process.arguments = arguments
    process.standardInput = input
    process.standardOutput = output
    process.standardError = output
    try process.run()
  }

  deinit { kill() }

  func write(_ text: String) { input.fileHandleForWriting.write(Data(text.utf8)) }

  /// What the process answers until the marker is printed.
  func read(until marker: String) -> String {
    var text = ""
    while !text.contains(marker) {
      let data = output.fileHandleForReading.availableData
      guard !data.isEmpty else { break }
      text += String(decoding: data, as: UTF8.self)
    }
    return text
  }

  /// Ends the input and waits for the process.
  func finish() -> (status: Int32, output: String) {
    try? input.fileHandleForWriting.close()
    let data = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return (process.terminationStatus, String(decoding: data, as: UTF8.self))
  }

  func kill() {
    guard process.isRunning else { return }
    Foundation.kill(process.processIdentifier, SIGKILL)
    process.waitUntilExit()
  }
}
