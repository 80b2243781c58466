// Random schedules: agents in several processes that are killed at any moment, a server that is stopped, phases that change. After
// everything is back, both sides are equal, and every acknowledged write is there.

import AgentBase
import Foundation
import PrivateServer
import SQLite
import TestSupport
import Testing

@Suite("Cut-over: faults", .serialized) struct CutoverFaultTests {
  /// How many are run: of the long tests 500, or as many as AGENTBASE_SCHEDULES says.
  private static let schedules =
    ProcessInfo.processInfo.environment["AGENTBASE_SCHEDULES"].flatMap { Int($0) }
    ?? (runsLongTests ? 500 : 6)

  @Test("Nothing that was acknowledged is lost, whatever is killed", .timeLimit(.minutes(60)))
  func schedules() async throws {
    var random = SeededGenerator(seed: SeededGenerator.seed(for: "cut-over faults"))
    let server = try await TestServer.dedicated(TestServer.versions.last ?? .v15)
    var acknowledged = 0
    for number in 0..<Self.schedules {
      let scene = try await CutoverScene(
        random.chance(0.5) ? "PRAGMA journal_mode = WAL" : CutoverScene.legacySQL,
        url: try await server.freshDatabase())
      try await scene.set(.dualSQLite)
      acknowledged += try await run(scene, server, number, &random)
    }
    // A schedule in which nothing happens proves nothing.
    #expect(acknowledged > 20 * Self.schedules)
    try await server.server.remove()
  }

  /// Runs a schedule, and answers how many writes were acknowledged.
  private func run(
    _ scene: CutoverScene, _ server: TestServer, _ number: Int, _ random: inout SeededGenerator
  ) async throws -> Int {
    var writers: [CutoverWriter] = []
    for place in 0..<3 {
      let log = try scene.folder.file("log \(place)")
      try Data().write(to: URL(filePath: log))
      writers.append(
        CutoverWriter(
          path: scene.path, url: scene.url, agent: scene.id, name: "writer \(place)", seed: random.next(),
          milliseconds: Int.random(in: 400...2000, using: &random), log: log))
    }
    let stops = random.chance(0.7)
    let mode: PrivateServer.StopMode = random.chance(0.5) ? .immediate : .fast
    let (pause, outage) = (Int.random(in: 100...900, using: &random), Int.random(in: 0...700, using: &random))
    let phases = random.one(of: [
      [CutoverPhase.dualPostgres, .dualSQLite], [.dualPostgres], [.postgresPrimary],
      [.postgresPrimary, .dualSQLite], [.postgresPrimary, .dualPostgres, .postgresPrimary],
      [.postgresOnly, .postgresPrimary],
    ])
    try await withThrowingTaskGroup(of: Void.self) { group in
      for writer in writers {
        group.addTask {
          await #expect(processExitsWith: .signal(SIGKILL)) { [writer = writer as CutoverWriter] in
            try await writer.run()
          }
        }
      }
      group.addTask {
        try await Task.sleep(for: .milliseconds(pause))
        if stops {
          try await server.server.stop(mode)
          try await Task.sleep(for: .milliseconds(outage))
          try await server.server.start()
          try await server.untilReady()
        }
        // Without an import the comparison does not allow it; what matters here is where reads and writes go.
        for phase in phases { try await change(scene, to: phase) }
      }
      try await group.waitForAll()
    }
    try await check(scene, writers, number)
    return try writers.reduce(0) { sum, writer in
      let history = try writer.history()
      return sum + history.keys.values.count { $0.acknowledged > 0 } + history.metrics.acknowledged.count
    }
  }

  /// Changes the phase; where it is refused since writers are at it, again.
  private func change(_ scene: CutoverScene, to phase: CutoverPhase) async throws {
    for attempt in 1...5 {
      do {
        try await scene.set(phase, force: true)
        return
      } catch let error as AgentBaseError where error.code == .cutover && attempt < 5 {
        try await Task.sleep(for: .milliseconds(200))
      }
    }
  }

  private func check(_ scene: CutoverScene, _ writers: [CutoverWriter], _ number: Int) async throws {
    if try await scene.cutover({ try await $0.status().phase.decider }) == .postgres {
      // What the file follows is no legacy data; and a hand-over that was cut off is completed by this one.
      try await change(scene, to: .dualSQLite)
    }
    // What no agent has written is the import's.
    let words = ["import", "--sqlite", scene.path, "--agent", scene.id, "--postgres-url", scene.url]
    let command = try await Command.run(words + ["--quiet", "--no-verify"], in: scene.folder.path)
    #expect(command.exitCode == 0, "schedule \(number): \(command.errors)")
    let comparison = try await scene.cutover { try await $0.compare() }
    #expect(comparison.differences == [], "schedule \(number)")

    let agent = try await scene.agent(.postgres(url: scene.url))
    let histories = try writers.map { try $0.history() }
    for (writer, history) in zip(writers, histories) {
      #expect(history.stale == 0, "schedule \(number)")
      let metrics = try await agent.metrics(writer.name, limit: 10_000)
      let values = metrics.compactMap { $0.value.map { Int($0) } }
      #expect(Set(values).count == values.count, "schedule \(number): a measurement is there twice")
      #expect(history.metrics.acknowledged.isSubset(of: values), "schedule \(number)")
      #expect(Set(values).isSubset(of: history.metrics.tried), "schedule \(number)")
    }
    let keys = Set(histories.flatMap { $0.keys.keys })
    for key in keys {
      let value = try await agent.retrieveMemory(key, as: String.self)
      let words = value?.split(separator: "\t").map(String.init) ?? []
      if let place = writers.firstIndex(where: { $0.name == words.first }), words.count == 2 {
        // Its last writer's: not older than what it was told was stored, nor one that it never tried.
        let line = try #require(histories[place].keys[key])
        let written = try #require(Int(words[1]))
        let isLast = (line.acknowledged...max(line.acknowledged, line.tried)).contains(written)
        #expect(isLast && !(line.isDeletion && written == line.acknowledged), "schedule \(number): \(key)")
      } else {
        // Nothing is there: nobody was told that it is, or its only writer has deleted it.
        let lines = histories.compactMap { $0.keys[key] }
        let isShared = CutoverWriter.sharedKeys.contains(key)
        let isAbsent = lines.allSatisfy {
          $0.acknowledged == 0 || !isShared && ($0.isDeletion || $0.tried > $0.acknowledged)
        }
        #expect(value == nil && isAbsent, "schedule \(number): \(key)")
      }
    }
    await agent.close()
  }
}
