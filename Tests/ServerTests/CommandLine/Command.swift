// Runs the built command as a user does: as a process, with its streams and its exit code.

import AgentBase
import Foundation
import TestSupport
import Testing

/// One finished run of `agentbase`.
struct Command: Sendable {
  let output: String
  let errors: String
  let exitCode: Int32

  /// The lines of standard error.
  var errorLines: [Substring] { errors.split(separator: "\n") }

  /// Standard output as the one JSON document that `--json` promises.
  func json(_ location: SourceLocation = #_sourceLocation) throws -> JSON {
    try #require(
      try? JSON(parsing: output), "no JSON document: \(output)", sourceLocation: location)
  }

  // MARK: - Running

  /// The command beside the test bundle.
  static let path = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
    .appending(path: "agentbase").path

  /// Runs the command to its end.
  ///
  /// - Parameters:
  ///   - folder: the current folder, where reports go.
  ///   - environment: beside `PATH`, `HOME` and `TMPDIR`; nothing else is inherited.
  ///   - secret: a password that no output may hold, however it is spelled.
  static func run(
    _ words: [String], in folder: String, environment: [String: String] = [:], input: String? = nil,
    secret: String? = nil, location: SourceLocation = #_sourceLocation
  ) async throws -> Command {
    try await run(
      path, words, in: folder, environment: environment, input: input, secret: secret, location: location)
  }

  /// Runs the command on a terminal, whose whole text is `output`.
  static func runOnTerminal(
    _ words: [String], in folder: String, environment: [String: String] = [:]
  ) async throws -> Command {
    let command = ([path] + words).map { "'" + $0.replacing("'", with: "'\\''") + "'" }.joined(separator: " ")
    var environment = environment
    environment["TERM"] = "xterm"
    environment["SHELL"] = "/bin/sh"
    return try await run(
      "/usr/bin/script", ["-qec", command, "/dev/null"], in: folder, environment: environment, input: "",
      secret: nil, location: #_sourceLocation)
  }

  private static func run(
    _ program: String, _ words: [String], in folder: String, environment: [String: String], input: String?,
    secret: String?, location: SourceLocation
  ) async throws -> Command {
    let running = try RunningCommand(program, words, in: folder, environment: environment, input: input)
    let command = await running.ended()
    if let secret {
      for text in [command.output, command.errors] {
        #expect(!text.contains(secret), "a password is shown", sourceLocation: location)
        let encoded = secret.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? ""
        #expect(!text.contains(encoded), "a password is shown", sourceLocation: location)
      }
    }
    return command
  }
}

/// A run that goes on; ended with the test at the latest.
final class RunningCommand: Sendable {
  private let process: Process
  private let folder: String
  private let end: Task<Int32, Never>

  convenience init(_ words: [String], in folder: String, environment: [String: String] = [:]) throws {
    try self.init(Command.path, words, in: folder, environment: environment, input: nil)
  }

  /// Runs another program in the same way.
  init(
    _ program: String, _ words: [String], in folder: String, environment: [String: String] = [:],
    input: String? = nil
  ) throws {
    // In the watched folder, so that a run that is killed leaves nothing; so with what the command itself leaves when it is.
    let streams = try TestProcess.folder + "/streams-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: streams, withIntermediateDirectories: false)
    self.folder = streams
    let process = Process()
    process.executableURL = URL(filePath: program)
    process.arguments = words
    process.currentDirectoryURL = URL(filePath: folder)
    let inherited = ProcessInfo.processInfo.environment.filter {
      ["PATH", "HOME"].contains($0.key)
    }
    process.environment = inherited.merging(["TMPDIR": try TestProcess.folder]) { $1 }.merging(environment) {
      $1
    }
    try Data((input ?? "").utf8).write(to: URL(filePath: streams + "/in"))
    for name in ["out", "err"] { try Data().write(to: URL(filePath: "\(streams)/\(name)")) }
    let (input, output, errors) = (
      FileHandle(forReadingAtPath: streams + "/in"), FileHandle(forWritingAtPath: streams + "/out"),
      FileHandle(forWritingAtPath: streams + "/err")
    )
    // The child has its own; Foundation keeps a process that has ended, and with more than some 1,300 open files its next
    // `Process.run()` reads behind the end of their list.
    defer { for handle in [input, output, errors] { try? handle?.close() } }
    (process.standardInput, process.standardOutput, process.standardError) = (input, output, errors)
    let (codes, continuation) = AsyncStream.makeStream(of: Int32.self)
    process.terminationHandler = {
      continuation.yield($0.terminationStatus)
      continuation.finish()
    }
    try process.run()
    self.process = process
    end = Task {
      for await code in codes { return code }
      return -1
    }
  }

  deinit {
    signal(SIGKILL)
    try? FileManager.default.removeItem(atPath: folder)
  }

  /// What standard output holds by now.
  var output: String { text("out") }

  /// The number of the process.
  var processIdentifier: Int32 { process.processIdentifier }

  /// Whether it has not ended yet.
  var isRunning: Bool { process.isRunning }

  /// Sends a signal; to nobody where it has ended.
  func signal(_ number: Int32) {
    guard process.isRunning, process.processIdentifier > 0 else { return }
    kill(process.processIdentifier, number)
  }

  /// Waits for the end.
  func ended() async -> Command {
    let code = await end.value
    return Command(output: text("out"), errors: text("err"), exitCode: code)
  }

  /// Waits for the end; nil where it has not come in time: the run is killed then.
  func ended(within limit: Duration) async -> Command? {
    let guardian = Task {
      try await Task.sleep(for: limit)
      signal(SIGKILL)
      return true
    }
    let command = await ended()
    guardian.cancel()
    return (try? await guardian.value) == true ? nil : command
  }

  private func text(_ name: String) -> String {
    String(decoding: FileManager.default.contents(atPath: "\(folder)/\(name)") ?? Data(), as: UTF8.self)
  }
}
