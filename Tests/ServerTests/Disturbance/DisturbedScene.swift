// One source and one database: runs that are disturbed one after the other, a last clean one, and the comparison.

import Foundation
import Postgres
import PrivateServer
import SQLite
import TestSupport
import Testing

/// A verb's runs on one source.
struct DisturbedScene {
  let verb: DisturbedVerb
  let server: TestServer
  /// The disk that the server is on, where it can be filled.
  let disk: SmallDisk?
  /// Whether rows are changed while they are moved, and the runs bring them up to date.
  let changesRows: Bool
  private let folder: TemporaryFolder
  private let url: String
  private let comment: Comment

  init(
    _ verb: DisturbedVerb, on server: TestServer, disk: SmallDisk?, changesRows: Bool, comment: Comment
  ) async throws {
    self.verb = verb
    self.server = server
    self.disk = disk
    self.changesRows = changesRows
    self.comment = comment
    folder = try TemporaryFolder("disturbed")
    url = try await Self.makeTarget(verb, on: server)
    for (path, sql) in verb.files { try SQLiteConnection(path: folder.file(path)).executeScript(sql) }
  }

  /// A database with what is there before the first run.
  private static func makeTarget(_ verb: DisturbedVerb, on server: TestServer) async throws -> String {
    try await server.untilReady()
    let url = try await server.freshDatabase()
    let connection = try await PostgresConnection.connect(PostgresConfiguration(url))
    if !verb.target.isEmpty { try await connection.executeScript(verb.target) }
    await connection.close()
    return url
  }

  // MARK: - Runs

  /// Runs the verb with these disturbances, one a run, while an agent goes on writing; then cleanly.
  ///
  /// - Returns: those that befell a run that was under way.
  func run(_ kinds: [Disturbance.Kind], _ random: inout SeededGenerator) async throws -> [Disturbance] {
    let agent = try WritingAgent(
      files: verb.files.map { folder.path + "/" + $0.path },
      statements: verb.writes + (changesRows ? verb.changes : []), seed: random.next())
    var hits: [Disturbance] = []
    for kind in kinds {
      let disturbance = Disturbance(kind, &random)
      var words = verb.batch(random.one(of: [7, 50, 50, 200, 1000]))
      if random.chance(0.5) { words += ["--no-verify"] }
      if changesRows, random.chance(0.7) { words += verb.updating }
      if try await disturb(words, disturbance, &random) { hits.append(disturbance) }
    }
    #expect(await agent.stop(), "the agent has stopped writing by itself; \(comment)")
    try await finish()
    return hits
  }

  private func start(_ words: [String], url: String) throws -> RunningCommand {
    try RunningCommand(words + ["--postgres-url", url, "--quiet"], in: folder.path)
  }

  /// Disturbs one run. Answers whether it was under way.
  private func disturb(
    _ words: [String], _ disturbance: Disturbance, _ random: inout SeededGenerator
  ) async throws -> Bool {
    var words = verb.words + words
    var gate: CommitGate?
    if case .commit(let number) = disturbance.moment {
      gate = try await CommitGate(url: url, ledger: verb.ledger)
      try await gate?.close(for: number)
    }
    if disturbance.kind == .outOfTime, case .after(let milliseconds) = disturbance.moment {
      words += ["--timeout", String(Double(milliseconds) / 1000)]
    }
    let command = try start(words, url: url)
    // Now and then two runs at once.
    let rival = random.chance(0.2) ? try start(verb.words, url: url) : nil
    switch disturbance.moment {
    case .after where disturbance.kind == .outOfTime: break
    case .after(let milliseconds): try await Task.sleep(for: .milliseconds(milliseconds))
    // The ledger is not there before the first run.
    case .commit where gate == nil: try await Task.sleep(for: .milliseconds(300))
    case .commit: _ = try await gate?.holdsACommit { !command.isRunning }
    }
    try await inflict(disturbance.kind, on: command, &random)
    await gate?.open()
    let ended = await command.ended(within: .seconds(60))
    if let rival {
      let itsEnd = await rival.ended(within: .seconds(60))
      #expect(
        itsEnd.map { [0, 1, 3, 4].contains($0.exitCode) } == true,
        "a second run, \(disturbance): \(itsEnd?.errors ?? "it hangs"); \(comment)")
    }
    disk?.empty()
    if !server.server.isRunning { try await server.server.start() }
    try await server.untilReady()
    return expectClear(ended, disturbance)
  }

  private func inflict(
    _ kind: Disturbance.Kind, on command: RunningCommand, _ random: inout SeededGenerator
  ) async throws {
    switch kind {
    case .killed: command.signal(SIGKILL)
    case .interrupted: command.signal(SIGTERM)
    case .disconnected:
      let connection = try await PostgresConnection.connect(PostgresConfiguration(url))
      _ = try await connection.query(
        """
        SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND application_name LIKE 'agentbase %'
        """)
      await connection.close()
    case .crashed: try await server.server.restart(.immediate)
    case .diskFull: try disk?.fill(leaving: random.one(of: [0, 8192, 1 << 17, 1 << 20]))
    case .outOfTime: break
    }
  }

  /// Checks that a run which was disturbed said so clearly. Answers whether it was.
  private func expectClear(_ ended: Command?, _ disturbance: Disturbance) -> Bool {
    guard let ended else {
      Issue.record("\(disturbance): the run hangs; \(comment)")
      return true
    }
    if ended.exitCode == SIGKILL { return disturbance.kind == .killed }
    // Done, with rejects, or with rows that were changed since an earlier run read them.
    if [0, 3, 4].contains(ended.exitCode) { return false }
    #expect(ended.exitCode == 1, "\(disturbance): \(ended.errors); \(comment)")
    #expect((1...2).contains(ended.errorLines.count), "\(disturbance): \(ended.errors); \(comment)")
    let words: [String] =
      switch disturbance.kind {
      case .outOfTime: ["--timeout"]
      case .interrupted: ["interrupted"]
      // What is full may be the server's memory of its transactions, too: then it crashes.
      case .diskFull: ["space", "connection", "starting up", "recovery", "shut", "running"]
      case .killed, .disconnected, .crashed: ["connect", "terminat", "shut", "starting up", "recovery"]
      }
    #expect(words.contains { ended.errors.contains($0) }, "\(disturbance): \(ended.errors); \(comment)")
    return true
  }

  // MARK: - The end

  /// Runs cleanly, and compares the target with that of an undisturbed run.
  private func finish() async throws {
    let words = verb.words + (changesRows ? verb.updating : [])
    let last = await (try start(words, url: url)).ended()
    let fresh = try await Self.makeTarget(verb, on: server)
    let undisturbed = await (try start(words, url: fresh)).ended()
    #expect(last.exitCode == undisturbed.exitCode, "\(last.errors); \(undisturbed.errors); \(comment)")
    #expect([0, 3].contains(undisturbed.exitCode), "\(undisturbed.errors); \(comment)")
    let state = try await TargetState(url: url, verb: verb)
    try await state.expectEqual(TargetState(url: fresh, verb: verb), comment)
    if let verifying = verb.verifying {
      let verified = await (try start(verifying, url: url)).ended()
      #expect(verified.exitCode == 0, "\(verified.errors); \(comment)")
    }
    // Their space is needed for those that come.
    for database in [url, fresh].compactMap({ $0.firstMatch(of: /\/(test_\w+)\?/).map { String($0.1) } }) {
      try await server.server.psql("DROP DATABASE \(database) WITH (FORCE)")
    }
  }
}
