// Whatever way a test process dies, its servers and folders go with it.

import Foundation
import Glibc
import PrivateServer
import TestSupport
import Testing

@Suite struct WatchdogTests {
  /// Ways to die: at once by force, by the terminal, by a crash, in peace.
  @Test(arguments: [SIGKILL, SIGINT, SIGABRT, 0])
  func nothingIsLeftBehind(signal: Int32) async throws {
    let folder = try TemporaryFolder()
    let note: String = try folder.file("note")
    await #expect(processExitsWith: signal == 0 ? .exitCode(0) : .signal(signal)) {
      [note = note as String, signal = signal as Int32] in
      let server = try await TestServer.dedicated().server
      let process = try #require(server.processIdentifier)
      try "\(try TestProcess.folder) \(process)".write(toFile: note, atomically: true, encoding: .utf8)
      if signal == 0 { exit(0) }
      kill(getpid(), signal)
      try await Task.sleep(for: .seconds(60))
    }
    let words = try String(contentsOfFile: note, encoding: .utf8).split(separator: " ")
    let (left, server) = (String(words[0]), try #require(Int32(words[1])))
    #expect(left != (try TestProcess.folder))
    try await expectSoon("the server is gone") { kill(server, 0) != 0 }
    try await expectSoon("the folder is gone") { !FileManager.default.fileExists(atPath: left) }
  }

  @Test func aServerInMakingGoesToo() async throws {
    let folder = try TemporaryFolder()
    let note: String = try folder.file("note")
    await #expect(processExitsWith: .signal(SIGKILL)) {
      [note = note as String] in
      let path = try TestProcess.folder
      try path.write(toFile: note, atomically: true, encoding: .utf8)
      let start = Task { try await TestServer.dedicated() }
      // Killed as soon as initdb has begun.
      while true {
        let made = try FileManager.default.contentsOfDirectory(atPath: path).map { "\(path)/\($0)/data.new" }
        if made.contains(where: FileManager.default.fileExists) { break }
        try await Task.sleep(for: .milliseconds(5))
      }
      kill(getpid(), SIGKILL)
      _ = try await start.value
    }
    let left = try String(contentsOfFile: note, encoding: .utf8)
    try await expectSoon("the folder is gone") { !FileManager.default.fileExists(atPath: left) }
    try await expectSoon("no process works in it") { try processes(below: left).isEmpty }
  }

  /// Waits up to two minutes: how long the cleaning takes depends on the machine, whether it happens does not.
  private func expectSoon(
    _ comment: Comment, sourceLocation: SourceLocation = #_sourceLocation,
    _ condition: () throws -> Bool
  ) async throws {
    for _ in 0..<2_400 where try !condition() { try await Task.sleep(for: .milliseconds(50)) }
    #expect(try condition(), comment, sourceLocation: sourceLocation)
  }

  private func processes(below folder: String) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: "/proc").filter { process in
      guard Int(process) != nil,
        let line = try? String(contentsOfFile: "/proc/\(process)/cmdline", encoding: .utf8)
      else { return false }
      return line.contains(folder)
    }
  }
}
