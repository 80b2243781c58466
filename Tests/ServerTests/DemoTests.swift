// `agentbase demo` as a user runs it: it holds, and it leaves nothing behind, however it ends.

import AgentBase
import Foundation
import TestSupport
import Testing

@Suite(.serialized) struct DemoTests {
  /// What the demo is given as its temporary folder, so that all that it leaves is seen.
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder("demo") }

  @Test(arguments: [true, false])
  func everyStepHoldsOnOneScreen(withVector: Bool) async throws {
    let (status, text) = try await DemoProcess([], in: folder, findsVector: withVector).end()
    #expect(status == 0, "\(text)")
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    #expect(lines.count <= 48)
    #expect(withVector || text.contains("without pgvector"))
    #expect(lines.allSatisfy { $0.count <= 80 }, "\(text)")
    #expect(!text.contains("✗"))
    #expect(!text.contains("\u{1B}"), "no colour where there is no terminal")
    try await expectNothingLeft()
  }

  @Test func tellsTheSameAsJSON() async throws {
    let (status, text) = try await DemoProcess(["--json"], in: folder).end()
    #expect(status == 0, "\(text)")
    let json = try JSON(parsing: text.trimmingCharacters(in: .newlines))
    #expect(json["held"] == true)
    guard case .array(let steps)? = json["steps"] else {
      Issue.record("no steps in \(text)")
      return
    }
    #expect(steps.count == 13)
    #expect(steps.allSatisfy { $0["held"] == true })
    try await expectNothingLeft()
  }

  @Test(arguments: [SIGINT, SIGTERM, SIGKILL])
  func leavesNothingWhereItIsEnded(signal: Int32) async throws {
    let demo = try DemoProcess([], in: folder)
    try await expectSoon { try serverIsBeingMade() }
    kill(demo.identifier, signal)
    #expect(try await demo.end().status != 0)
    try await expectNothingLeft()
  }

  private func serverIsBeingMade() throws -> Bool {
    try FileManager.default.contentsOfDirectory(atPath: folder.path).contains { name in
      ["data", "data.new"].contains {
        FileManager.default.fileExists(atPath: "\(folder.path)/\(name)/server/\($0)")
      }
    }
  }

  private func expectNothingLeft() async throws {
    try await expectSoon { try FileManager.default.contentsOfDirectory(atPath: folder.path).isEmpty }
    try await expectSoon { try processes(below: folder.path).isEmpty }
  }

  /// Waits up to 60 s: how long it takes depends on the machine, whether it happens does not.
  private func expectSoon(
    sourceLocation: SourceLocation = #_sourceLocation, _ condition: () throws -> Bool
  ) async throws {
    for _ in 0..<1200 where try !condition() { try await Task.sleep(for: .milliseconds(50)) }
    #expect(try condition(), sourceLocation: sourceLocation)
  }

  /// The processes that name the folder in their command line.
  private func processes(below folder: String) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: "/proc").filter { Int32($0) != nil }.compactMap {
      guard let data = FileManager.default.contents(atPath: "/proc/\($0)/cmdline") else { return nil }
      let line = String(decoding: data, as: UTF8.self).replacing("\0", with: " ")
      return line.contains(folder) ? line : nil
    }
  }
}

/// The demo as a process of its own. Waiting for it blocks no thread, so that several tests can.
private final class DemoProcess: Sendable {
  private let process: Process
  private let printed: TemporaryFolder
  private let ended: AsyncStream<Int32>

  /// - Parameter findsVector: false hides the server with pgvector that `Scripts/setup` installs.
  init(_ arguments: [String], in folder: TemporaryFolder, findsVector: Bool = true) throws {
    printed = try TemporaryFolder("printed")
    let file = try printed.file("output")
    try Data().write(to: URL(filePath: file))
    process = Process()
    // Built beside the tests.
    process.executableURL = URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent()
      .appending(path: "agentbase")
    process.arguments = ["demo"] + arguments
    var environment = ProcessInfo.processInfo.environment
    environment["TMPDIR"] = folder.path
    if !findsVector { environment["AGENTBASE_POSTGRES_HOME"] = folder.path }
    process.environment = environment
    let output = try FileHandle(forWritingTo: URL(filePath: file))
    process.standardOutput = output
    process.standardError = output
    let (stream, continuation) = AsyncStream.makeStream(of: Int32.self)
    ended = stream
    process.terminationHandler = { process in
      continuation.yield(process.terminationStatus)
      continuation.finish()
    }
    try process.run()
  }

  var identifier: Int32 { process.processIdentifier }

  /// Waits for its end, and answers its exit code (or the signal that ended it) and all that it printed.
  func end() async throws -> (status: Int32, text: String) {
    var status: Int32 = -1
    for await code in ended { status = code }
    return (status, try String(contentsOfFile: printed.file("output"), encoding: .utf8))
  }
}
