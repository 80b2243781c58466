// Versions, history and lives of memories on their way into Postgres and back; and several processes at once.

import AgentBase
import Foundation
import LegacyImport
import Postgres
import SQLite
import TestSupport
import Testing

@Suite("Agents: versions and history, imported and brought back") struct MemoryImportTests {
  private static let legacySQL = """
    CREATE TABLE memory (key TEXT PRIMARY KEY, value TEXT, timestamp TEXT, expires_at TEXT);
    INSERT INTO memory VALUES ('a', 'one', '2024-01-15 10:30:00', NULL), ('b', 'two', '2024-01-15 10:30:00', NULL),
      ('gone', 'three', '2024-01-15 10:30:00', '2024-01-16 10:30:00'), ('gone too', '4', NULL, '2024-01-16'),
      ('stays', 'five', NULL, '2099-01-16 10:30:00');
    """

  private func agent(_ backend: MemoryBackend) async throws -> Agent {
    var config = AgentConfig(name: "own", memoryBackend: backend)
    config.eventHandler = nil
    config.keepsHistory = true
    return try await Agent(config)
  }

  /// What a history says of each value.
  private struct Line: Equatable {
    let version: Int64
    let value: JSON
    let metadata: JSONObject
    let embedding: [Float]?
    let storedAt: Date?
    let replacedAt: Date?
  }

  /// The history of a key, in parts of two.
  private static func lines(_ agent: Agent, _ key: String, namespace: String = "") async throws
    -> [Line]
  {
    var lines: [Line] = []
    var cursor: MemoryCursor?
    repeat {
      let part = try await agent.history(of: key, namespace: namespace, limit: 2, after: cursor)
      lines += part.versions.map {
        Line(
          version: $0.version, value: $0.value.json, metadata: $0.metadata, embedding: $0.embedding,
          storedAt: $0.storedAt, replacedAt: $0.replacedAt)
      }
      cursor = part.cursor
    } while cursor != nil && lines.count < 100
    return lines
  }

  @Test(
    "The history of a file is the same after its import, and after the way back",
    arguments: TestServer.versions,
    [true, false])
  func history(_ version: TestServer.Version, hasLegacyTable: Bool) async throws {
    let scene = try await ImportScene(version)
    let path = try scene.folder.file("agents/own/memory.db")
    if hasLegacyTable { try SQLiteConnection(path: path).executeScript(Self.legacySQL) }
    let before = try await agent(.sqliteFile(path))
    for number in 0..<3 { try await before.storeMemory("a", number) }
    for number in 0..<4 {
      try await before.storeMemory(
        "n", ["text \(number)", "ü"], namespace: "s/1", metadata: ["m": .integer(number)],
        embedding: number == 2 ? [1, 2.5] : nil)
    }
    for key in ["d", "e"] { for number in 0..<3 { try await before.storeMemory(key, number) } }
    // In a legacy table the last two do not fit.
    for number in 0..<4 {
      try await before.storeMemory("c", "\(number)", metadata: number < 2 ? [:] : ["m": 1])
    }
    for number in 0..<3 { try await before.storeMemory("left", number, metadata: ["m": 1]) }
    try await before.deleteMemory("left", keepingHistory: true)
    for key in ["trimmed", "forgotten", "dropped"] {
      for number in 0..<3 { try await before.storeMemory(key, number, namespace: "s/1") }
    }
    let keys = [("a", ""), ("n", "s/1"), ("left", ""), ("trimmed", "s/1"), ("b", ""), ("c", ""), ("d", "")]
    var ours: [[Line]] = []
    for (key, namespace) in keys {
      ours.append(try await Self.lines(before, key, namespace: namespace))
    }
    #expect(ours.map(\.count) == [hasLegacyTable ? 3 : 2, 3, 3, 2, 0, 3, 2])
    await before.close()

    let report = try await scene.importAll()
    #expect(report.verification?.differences.isEmpty == true)
    let after = try await agent(.postgres(url: scene.url))
    for ((key, namespace), lines) in zip(keys, ours) {
      #expect(try await Self.lines(after, key, namespace: namespace) == lines, "\(key)")
    }
    for key in ["c", "d"] {
      let (current, earlier) = (try await after.memory(key)?.value.json, try await Self.lines(after, key))
      try await after.storeMemory(key, "stored")
      let values = [try #require(current)] + earlier.map(\.value)
      #expect(try await Self.lines(after, key).map(\.value) == values)
      try await after.storeMemory(key, "stored again")
      #expect(try await Self.lines(after, key).map(\.value) == ["stored"] + values)
      try await after.deleteMemory(key, keepingHistory: true)
      #expect(try await Self.lines(after, key).map(\.value) == ["stored again", "stored"] + values)
    }
    try await after.storeMemory("e", 3)
    #expect(try await Self.lines(after, "e").map(\.value) == [2, 1, 0])
    // A second import changes nothing, and what agents remove since is not taken for lost.
    #expect(try await after.deleteMemory("forgotten", namespace: "s/1"))
    #expect(try await after.history(of: "forgotten", namespace: "s/1").versions.isEmpty)
    try await after.storeMemory("dropped", 3, namespace: "s/1", expiresIn: .milliseconds(1))
    try await Task.sleep(for: .milliseconds(5))
    #expect(try await after.sweepExpiredMemories() > 0)
    #expect(try await after.history(of: "dropped", namespace: "s/1").versions.isEmpty)
    let restored = try await after.restoreMemory("n", namespace: "s/1", version: ours[1][1].version)
    let stored = try await after.storeMemory(
      "n", ["last"], namespace: "s/1", expecting: .version(restored))
    let since = try await Self.lines(after, "n", namespace: "s/1")
    #expect(since.map(\.value).prefix(2) == [["text 1", "ü"], ["text 3", "ü"]])
    #expect(Array(since.dropFirst(2)) == ours[1])
    await after.close()
    var limited = AgentConfig(name: "own", memoryBackend: .postgres(url: scene.url))
    (limited.keepsHistory, limited.historyLimit) = (true, 2)
    let last = try await Agent(limited)
    for number in 3..<5 { try await last.storeMemory("trimmed", number, namespace: "s/1") }
    let trimmed = try await Self.lines(last, "trimmed", namespace: "s/1").map(\.value)
    // The imported row that was current stays.
    #expect(trimmed == [3, 2, 1], "\(trimmed)")
    await last.close()
    let again = try await scene.importAll()
    #expect(again.verification?.differences.isEmpty == true)
    #expect(again.tables.allSatisfy { $0.loaded == 0 })

    let folder = scene.folder.path + "/restored"
    let rollback = try await Rollback(postgresURL: scene.url, destination: .folder(folder)).run()
    #expect(rollback.exitCode == 0, "\(rollback.warnings)")
    let back = try await agent(.sqliteFile(folder + "/own/memory.db"))
    #expect(try await Self.lines(back, "a") == ours[0])
    #expect(try await back.memory("n", namespace: "s/1")?.version == stored)
    let all = try await Self.lines(back, "n", namespace: "s/1")
    #expect(
      all.map(\.value) == since.map(\.value) && all.map(\.embedding) == since.map(\.embedding))
    #expect(try await Self.lines(back, "left") == ours[2])
    // A legacy row that is an earlier value comes last in a file.
    #expect(try await Self.lines(back, "e").map(\.value) == (hasLegacyTable ? [1, 0, 2] : [2, 1, 0]))
    #expect(try await back.history(of: "forgotten", namespace: "s/1").versions.isEmpty)
    await back.close()
  }

  @Test(
    "Notes and history of a file are no memories, and come back with it",
    arguments: TestServer.versions)
  func thereAndBack(_ version: TestServer.Version) async throws {
    let scene = try await ImportScene(version)
    let path = try scene.folder.file("agents/own/memory.db")
    try SQLiteConnection(path: path).executeScript(Self.legacySQL)
    let before = try await agent(.sqliteFile(path))
    for number in 0..<3 { try await before.storeMemory("a", number) }
    for number in 0..<3 {
      try await before.storeMemory("n", number, metadata: ["m": 1], expiresIn: .seconds(500))
    }
    let versions = try await before.history(of: "a").versions.map(\.version)
    let counted = try #require(try await before.memory("a")?.version)
    #expect(versions.count == 3)
    await before.close()

    let report = try await scene.importAll()
    #expect(report.verification?.differences.isEmpty == true)
    let connection = try await PostgresConnection.connect(try PostgresConfiguration(scene.url))
    let rows = try await connection.query(
      """
      SELECT key FROM agent_memories AS memory JOIN agent_import_sources AS source USING (agent_id, source_id)
      WHERE agent_id = 'own' AND table_name IN ('agentbase_notes', 'agentbase_history')
      """)
    #expect(rows.isEmpty)
    await connection.close()
    let after = try await agent(.postgres(url: scene.url))
    #expect(try await after.retrieveMemories(keys: ["a", "n"]) == [2, 2])
    let untouched = try #require(try await after.memory("b"))
    #expect(untouched.version < 0)
    // What Postgres has counted and kept goes back beside it.
    let stored = try await after.storeMemory("since", 1, metadata: ["m": 2])
    let again = try await after.storeMemory("since", 2, expiresIn: .seconds(700))
    try await after.storeMemory("deleted", 3)
    try await after.deleteMemory("deleted", keepingHistory: true)
    await after.close()

    let folder = scene.folder.path + "/restored"
    let rollback = try await Rollback(postgresURL: scene.url, destination: .folder(folder)).run()
    #expect(rollback.exitCode == 0 && rollback.warnings.isEmpty)
    let back = try await agent(.sqliteFile(folder + "/own/memory.db"))
    #expect(try await back.history(of: "a").versions.map(\.version) == versions)
    #expect(try await back.memory("a")?.version == counted)
    #expect(try await back.memory("n")?.timeToLive == .seconds(500))
    let since = try #require(try await back.memory("since"))
    #expect(since.version == again && since.timeToLive == .seconds(700))
    let earlier = try #require(try await back.history(of: "since").versions.first)
    #expect(earlier.version == stored && earlier.metadata == ["m": 2] && earlier.value.json == 1)
    #expect(try await back.history(of: "deleted").versions.map(\.value.json) == [3])
    #expect(try await back.storeMemory("since", 3, expecting: .version(again)) > again)
    await back.close()
  }

  @Test("Expired rows of a legacy file are swept in the file", arguments: [true, false])
  func sweepsFiles(hasWritten: Bool) async throws {
    try await TemporaryFolder.with { folder in
      let path = try folder.file("memory.db")
      try SQLiteConnection(path: path).executeScript(Self.legacySQL)
      let agent = try await agent(.sqliteFile(path))
      if hasWritten { try await agent.storeMemory("own", 1, metadata: ["m": 1], expiresIn: .microseconds(1)) }
      try await Task.sleep(for: .milliseconds(5))
      #expect(try await agent.sweepExpiredMemories(batchSize: 1) == (hasWritten ? 3 : 2))
      #expect(try await agent.listMemories().memories.map(\.key) == ["a", "b", "stays"])
      await agent.close()
      let left = try SQLiteConnection(path: path).query("SELECT key FROM memory ORDER BY key")
      #expect(left.map { $0[0].string } == ["a", "b", "stays"])
    }
  }

  @Test("Imported rows that have expired are swept, and not taken for lost", arguments: TestServer.versions)
  func sweepsImported(_ version: TestServer.Version) async throws {
    let scene = try await ImportScene(version)
    let path = try scene.folder.file("agents/own/memory.db")
    try SQLiteConnection(path: path).executeScript(Self.legacySQL)
    _ = try await scene.importAll()
    let agent = try await agent(.postgres(url: scene.url))
    // A stored value keeps its key, whatever has expired behind it; one that has expired takes the imported row with it.
    try await agent.storeMemory("gone too", 1)
    try await agent.storeMemory("b", 1, expiresIn: .microseconds(1))
    #expect(try await agent.sweepExpiredMemories() == 2)
    #expect(try await agent.listMemories().memories.map(\.key) == ["a", "gone too", "stays"])
    #expect(try await agent.memories(keys: ["b", "gone"]).allSatisfy { $0 == nil })
    await agent.close()
    let report = try await scene.importAll()
    #expect(report.verification?.differences.isEmpty == true)
    let again = try await self.agent(.postgres(url: scene.url))
    #expect(try await again.listMemories().memories.map(\.key) == ["a", "gone too", "stays"])
    await again.close()
  }

  @Test(
    "A deletion and a store that expects an imported row are one behind the other",
    arguments: TestServer.versions)
  func deletesImported(_ version: TestServer.Version) async throws {
    let scene = try await ImportScene(version)
    let path = try scene.folder.file("agents/own/memory.db")
    try SQLiteConnection(path: path).executeScript(
      """
      CREATE TABLE memory (key TEXT PRIMARY KEY, value TEXT);
      WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 39)
        INSERT INTO memory SELECT 'k' || i, i FROM n;
      """)
    _ = try await scene.importAll()
    let agent = try await agent(.postgres(url: scene.url))
    var stored = 0
    for round in 0..<40 {
      let key = "k\(round)"
      let version = try #require(try await agent.memory(key)?.version)
      async let deleted = agent.deleteMemory(key)
      async let outcome = Self.isStored { try await agent.storeMemory(key, 1, expecting: .version(version)) }
      stored += try await outcome ? 1 : 0
      #expect(try await deleted)
      #expect(try await agent.memory(key) == nil, "round \(round)")
    }
    print("\(stored) of 40 stores were before the deletion")
    await agent.close()
  }

  private static func isStored(_ body: () async throws -> Int64) async throws -> Bool {
    do {
      _ = try await body()
      return true
    } catch let error as AgentBaseError where error.code == .conflict {
      return false
    }
  }

  @Test(
    "Two processes that increment lose nothing",
    arguments: [TestBackend.sqliteNew, .sqliteLegacy, .postgres18])
  func twoProcesses(_ backend: TestBackend) async throws {
    guard TestBackend.all.contains(backend) else { return }
    try await backend.withPlace { place in
      let agent = try await place.agent()
      try await agent.storeMemory("count", 0)
      let words = [backend.version == nil ? "--sqlite" : "--postgres-url", place.target]
      let increments = 6
      try await withThrowingTaskGroup(of: Void.self) { group in
        for _ in 0..<2 {
          group.addTask {
            for _ in 0..<increments {
              while true {
                let got = try await Command.run(
                  ["memory", "get", "count", "--json", "--agent", place.id] + words, in: "/tmp")
                let memory = try got.json()
                let next = try #require(memory["value"]?.int64Value) + 1
                let put = try await Command.run(
                  [
                    "memory", "put", "count", "\(next)", "--if-version", memory["version"]?.text ?? "",
                    "--agent",
                    place.id,
                  ] + words, in: "/tmp")
                if put.exitCode == 0 { break }
                #expect(put.exitCode == 1 && put.errors.contains("was expected"), "\(put.errors)")
              }
            }
          }
        }
        group.addTask {
          for _ in 0..<increments { try await agent.updateMemory("count", as: Int.self) { ($0 ?? 0) + 1 } }
        }
        try await group.waitForAll()
      }
      #expect(try await agent.retrieveMemory("count") == 3 * increments)
      await agent.close()
    }
  }

  @Test("A conflict is not the end of a transaction", arguments: TestBackend.all)
  func transactions(_ backend: TestBackend) async throws {
    try await backend.withAgent(keepsHistory: true) { agent in
      let version = try await agent.storeMemory("a", 1)
      try await agent.transaction { transaction in
        await #expect(throws: AgentBaseError.self) {
          try await transaction.storeMemory("a", 2, expecting: .absent)
        }
        try await transaction.storeMemory("a", 3, expecting: .version(version))
        try await transaction.storeMemories([MemoryItem("b", 1), MemoryItem("c", 1)])
        try await transaction.updateMemory("b") { ($0 ?? 0) + 1 }
        #expect(try await transaction.deleteMemories(keys: ["c"]) == 1)
        #expect(try await transaction.history(of: "a").versions.map(\.version) == [version])
        #expect(try await transaction.listMemories(in: .all).memories.map(\.key) == ["a", "b"])
      }
      #expect(try await agent.retrieveMemories(keys: ["a", "b", "c"]) == [3, 2, nil])
      await #expect(throws: CancellationError.self) {
        try await agent.transaction { transaction in
          try await transaction.storeMemories([MemoryItem("a", 9), MemoryItem("d", 9)])
          throw CancellationError()
        }
      }
      #expect(try await agent.retrieveMemories(keys: ["a", "d"]) == [3, nil])
      #expect(try await agent.history(of: "a").versions.count == 1)
    }
  }
}
