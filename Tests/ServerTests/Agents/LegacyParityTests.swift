// A key answers the same from a legacy file and from what the import makes of it.

import AgentBase
import Foundation
import Postgres
import SQLite
import TestSupport
import Testing

@Suite("Agents: legacy rows and imported ones") struct LegacyParityTests {
  private static let columns = ["key", "value", "metadata", "created_at", "updated_at"]

  /// A value of any storage class, of the kinds that agents and accidents put into files.
  private static func value(using generator: inout SeededGenerator) -> SQLiteValue {
    switch Int.random(in: 0..<12, using: &generator) {
    case 0: .null
    case 1: .integer(.random(in: .min ... .max, using: &generator))
    case 2: .real(Double(bitPattern: .random(in: 0 ... .max, using: &generator)).finiteOrInfinite)
    case 3:
      .blob(
        (0..<Int.random(in: 0..<9, using: &generator)).map { _ in .random(in: 0...255, using: &generator) })
    case 4: .malformedText([0x61, 0xFF, 0x62])
    case 5: .text("a\0b")
    case 6: .text(RandomJSON.value(depth: 2, using: &generator).text)
    case 7: .text("{\"broken\": ")
    case 8: .text(String(Int.random(in: -9...9, using: &generator)))
    case 9: .real(-0.0)
    default: .text(RandomJSON.text(using: &generator))
    }
  }

  private static func time(using generator: inout SeededGenerator) -> SQLiteValue {
    switch Int.random(in: 0..<6, using: &generator) {
    case 0: .null
    case 1: .integer(1_705_314_600 + .random(in: 0..<3, using: &generator))
    case 2: .text("2024-01-15 10:30:0\(Int.random(in: 0..<4, using: &generator))")
    case 3: .text("2024-01-15T10:30:0\(Int.random(in: 0..<4, using: &generator)).5Z")
    case 4: .real(1_705_314_601.25)
    default: .text("some day")
    }
  }

  @Test("Random legacy rows answer the same on both sides", arguments: TestServer.versions)
  func parity(_ version: TestServer.Version) async throws {
    let seed = UInt64.random(in: 0 ... .max)
    print("legacy rows on \(version): seed \(seed)")
    var generator = SeededGenerator(seed: seed)
    let url = try await TestBackend.database(version)
    let id = "legacy-\(UUID().uuidString.prefix(8))"
    try await TemporaryFolder.with { folder in
      let path = try folder.file("memory.db")
      let file = try SQLiteConnection(path: path)
      try file.execute("CREATE TABLE memory (\(Self.columns.joined(separator: ", ")))")
      let imported = try await Agent(AgentConfig(name: id, memoryBackend: .postgres(url: url)))
      try await imported.registerTool("makes the agent's row")
      let connection = try await PostgresConnection.connect(try PostgresConfiguration(url))

      for number in 1...150 {
        // Keys come more than once.
        let key: SQLiteValue =
          Int.random(in: 0..<5, using: &generator) == 0
          ? .null : .text("key \(Int.random(in: 0..<60, using: &generator))")
        let metadata: SQLiteValue =
          .random(using: &generator) ? .text(#"{"m": [1.10], "x": "é"}"#) : Self.value(using: &generator)
        let values = [
          key, Self.value(using: &generator), metadata, Self.time(using: &generator),
          Self.time(using: &generator),
        ]
        try file.execute("INSERT INTO memory VALUES (?, ?, ?, ?, ?)", values)
        try await Self.importRow(values, rowID: Int64(number), agent: id, connection)
      }

      let legacy = try await Agent(AgentConfig(name: id, memoryBackend: .sqliteFile(path)))
      var keys: [String] = []
      var after: String?
      repeat {
        let ours = try await legacy.listMemories(limit: 7, after: after)
        let theirs = try await imported.listMemories(limit: 7, after: after)
        #expect(
          ours.memories.map(\.key) == theirs.memories.map(\.key) && ours.next == theirs.next, "seed \(seed)")
        keys += ours.memories.map(\.key)
        after = ours.next
      } while after != nil
      #expect(keys.count > 50)
      for key in keys {
        let before = try #require(try await legacy.memory(key))
        let after = try #require(try await imported.memory(key))
        #expect(before.value.json == after.value.json, "seed \(seed), \(key)")
        #expect(before.value.text == after.value.text, "seed \(seed), \(key)")
        #expect(before.metadata == after.metadata, "seed \(seed), \(key)")
        #expect(
          before.createdAt == after.createdAt && before.updatedAt == after.updatedAt, "seed \(seed), \(key)")
        #expect(after.isImported && !before.isImported)
        let value = try await imported.retrieveMemory(key, as: JSON.self)
        #expect(value == before.value.json)
        if case .string = before.value.json {
          #expect(
            try await legacy.retrieveMemory(key, as: String.self) == (try await imported.retrieveMemory(key)))
        }
      }
      for text in ["a", "é", "1", "{", "broken", "\"", "key 1", "\\", "/"] {
        let ours = try await legacy.searchMemories(text, limit: 1000)
        let theirs = try await imported.searchMemories(text, limit: 1000)
        #expect(ours.map(\.key) == theirs.map(\.key), "seed \(seed), search \(text)")
      }

      // A stored value hides the imported ones; a deletion takes all, and is remembered.
      let key = try #require(keys.first)
      let rows = try await connection.query(
        "SELECT id FROM agent_memories WHERE agent_id = \(id) AND key = \(key)")
      try await imported.storeMemory(key, "new")
      #expect(try await imported.retrieveMemory(key) == "new")
      #expect(try await imported.listMemories(limit: 1).memories.first?.isImported == false)
      #expect(try await imported.deleteMemory(key))
      #expect(try await imported.memory(key) == nil)
      let remembered = try await connection.query(
        "SELECT id FROM agent_import_deletions WHERE agent_id = \(id)")
      #expect(remembered.count == rows.count)
      await connection.close()
      await legacy.close()
      await imported.close()
    }
  }

  /// What the import makes of a row, by the rules that it shares with the library.
  private static func importRow(
    _ values: [SQLiteValue], rowID: Int64, agent: String, _ connection: PostgresConnection
  ) async throws {
    let table = LegacyTable(name: "memory", columns: columns.map { LegacyColumn(name: $0) }, hasRowID: true)
    let fields = LegacyFields(table: table, time: LegacyTime()) { values[$0] }
    var members: [(name: String, value: JSON)] = []
    var marks: [(name: String, value: JSON)] = []
    for (name, value) in zip(columns, values) {
      let exact = ExactValue(value)
      members.append((name, exact.json))
      if let mark = exact.mark { marks.append((name, mark)) }
    }
    let content = JSON.object(JSONObject(members)).jsonbText
    let exact = marks.isEmpty ? PostgresValue.null : .jsonb(JSON.object(JSONObject(marks)).jsonbText)
    let createdAt = fields.time(.createdAt)
    let updatedAt = fields.time(.updatedAt) ?? createdAt
    try await connection.execute(
      """
      INSERT INTO agent_memories
        (agent_id, namespace, key, content, metadata, created_at, updated_at, source_id, source_row, source_exact)
      VALUES (\(agent), '', \(fields.key(LegacyKey(values: [], rowID: rowID))), \(PostgresValue.jsonb(content)),
        '{"source_table": "memory"}', \(createdAt.map(PostgresValue.timestamptz) ?? .null)::timestamptz,
        \(updatedAt.map(PostgresValue.timestamptz) ?? .null)::timestamptz, 7, \(rowID), \(exact)::jsonb)
      """)
  }

  @Test("An imported tool is copied when it is used, and never changed", arguments: TestServer.versions)
  func importedTool(_ version: TestServer.Version) async throws {
    let url = try await TestBackend.database(version)
    let id = "tools-\(UUID().uuidString.prefix(8))"
    let agent = try await Agent(AgentConfig(name: id, memoryBackend: .postgres(url: url)))
    try await agent.registerTool("own")
    let connection = try await PostgresConnection.connect(try PostgresConfiguration(url))
    for (row, uses) in [(1, 3), (2, 5)] {
      try await connection.execute(
        """
        INSERT INTO agent_tools (agent_id, name, configuration, metadata, usage_count, created_at, updated_at, source_id, source_row)
        VALUES (\(id), 'search', \(PostgresValue.jsonb(#"{"name": "search", "config": "{\"k\": 1.10}", "metadata": "{\"m\": 1}"}"#)),
          '{"source_table": "tools"}', \(uses), NULL, NULL, 7, \(row))
        """)
    }
    let imported = try #require(try await agent.tool("search"))
    #expect(imported.isImported && imported.usageCount == 5 && imported.metadata == ["m": 1])
    #expect(imported.configuration.text == #"{"k": 1.10}"#)
    try await withThrowingTaskGroup(of: Void.self) { group in
      for _ in 0..<20 { group.addTask { try await agent.recordToolUse("search") } }
      try await group.waitForAll()
    }
    try await agent.setTool("search", isEnabled: false)
    let used = try #require(try await agent.tool("search"))
    #expect(!used.isImported && used.usageCount == 25 && !used.isEnabled)
    #expect(used.configuration == imported.configuration && used.metadata == imported.metadata)
    #expect(try await agent.tools().map(\.name) == ["own", "search"])
    let rows = try await connection.query(
      "SELECT usage_count FROM agent_tools WHERE agent_id = \(id) AND source_id IS NOT NULL ORDER BY usage_count"
    )
    #expect(try rows.map { try $0.decode(0, as: Int.self) } == [3, 5])
    #expect(try await agent.deleteTool("search"))
    #expect(try await agent.tools().map(\.name) == ["own"])
    await connection.close()
    await agent.close()
  }
}

extension Double {
  /// Itself, or 0.5 for NaN, which SQLite does not hold.
  fileprivate var finiteOrInfinite: Double { isNaN ? 0.5 : self }
}
