// What makes the SQLite backend quick must not be seen in its answers: changes from elsewhere, kills, crowds.

import AgentBase
import Foundation
import SQLite
import TestSupport
import Testing

@Suite("Agents: SQLite at its limit") struct SQLiteLimitTests {
  private func agent(_ path: String, _ id: String = "agent") async throws -> Agent {
    var config = AgentConfig(name: id, memoryBackend: TestBackend.file(path))
    config.eventHandler = nil
    return try await Agent(config)
  }

  @Test("What another program changes, rows or tables, is in the next answer")
  func changesFromElsewhere() async throws {
    try await TemporaryFolder.with("agent") { folder in
      let path = try folder.file("memory.db")
      let agent = try await agent(path)
      let other = try SQLiteConnection(path: path)
      for round in 0..<20 {
        try await agent.storeMemory("key", round)
        #expect(try await agent.retrieveMemory("key") == round)
        #expect(try await agent.retrieveMemory("key") == round)
        try other.execute("UPDATE agentbase_memories SET content = '\(round + 1000)'")
        #expect(try await agent.retrieveMemory("key") == round + 1000)
        // A legacy table whose row is newer: from now on it holds the current value.
        try other.execute("CREATE TABLE memory (key TEXT PRIMARY KEY, value TEXT, updated_at TEXT)")
        #expect(try await agent.retrieveMemory("key") == round + 1000)
        try other.execute("INSERT INTO memory VALUES ('key', 'legacy \(round)', '2090-01-01T00:00:00Z')")
        #expect(try await agent.retrieveMemory("key") == "legacy \(round)")
        #expect(try await agent.retrieveMemory("key") == "legacy \(round)")
        try other.execute("DROP TABLE memory")
        #expect(try await agent.retrieveMemory("key") == round + 1000)
        try other.execute("UPDATE agentbase_memories SET expires_at = '2020-01-01T00:00:00.000000Z'")
        #expect(try await agent.retrieveMemory("key", as: Int.self) == nil)
      }
      await agent.close()
    }
  }

  @Test("Strings come back as they are, whatever they hold")
  func strings() async throws {
    try await TemporaryFolder.with("agent") { folder in
      let agent = try await agent(try folder.file("memory.db"))
      let strings = [
        "", "\"", "\\", "a\"b", "\\u0041", "tab\t", "line\n", "é", "e\u{301}", "😀", "\u{1}", "\u{7F}", "null",
        "{}", "\"\"",
      ]
      for string in strings {
        try await agent.storeMemory("key", string)
        #expect(
          try await agent.retrieveMemory("key", as: String.self)?.utf8.elementsEqual(string.utf8) == true)
        #expect(try await agent.retrieveMemory("key", as: JSON.self) == .string(string))
        #expect(try await agent.memory("key")?.value.text.utf8.elementsEqual(string.utf8) == true)
      }
      await agent.close()
    }
  }

  @Test("Each store that was acknowledged before a SIGKILL is there", arguments: [1, 8])
  func killed(_ callers: Int) async throws {
    try await TemporaryFolder.with("agent") { folder in
      let path = try folder.file("memory.db")
      let log = try folder.file("acknowledged")
      await #expect(processExitsWith: .signal(SIGKILL)) {
        [path = path as String, log = log as String, callers = callers as Int] in
        let agent = try await Agent(AgentConfig(name: "agent", memoryBackend: TestBackend.file(path)))
        let file = open(log, O_WRONLY | O_CREAT | O_APPEND, 0o600)
        await withTaskGroup(of: Void.self) { group in
          for caller in 0..<callers {
            group.addTask {
              for number in 0..<1000 {
                guard (try? await agent.storeMemory("\(caller)-\(number)", number)) != nil else { return }
                let line = Array("\(caller)-\(number)\n".utf8)
                _ = line.withUnsafeBytes { write(file, $0.baseAddress, $0.count) }
                if caller == 0, number == 150 { kill(getpid(), SIGKILL) }
              }
            }
          }
        }
      }
      let acknowledged = try String(contentsOfFile: log, encoding: .utf8).split(separator: "\n").map(
        String.init)
      #expect(acknowledged.count > 150)
      let agent = try await agent(path)
      for key in acknowledged {
        let number = Int(key.split(separator: "-")[1])
        #expect(try await agent.retrieveMemory(key) == number)
      }
      #expect(try await Self.isSound(path))
      await agent.close()
    }
  }

  @Test("Ten thousand tasks at once all store, and half of them cancelled, those that are left")
  func crowd() async throws {
    try await TemporaryFolder.with("agent") { folder in
      let path = try folder.file("memory.db")
      let agent = try await agent(path)
      let tasks = (0..<10_000).map { number in Task { try await agent.storeMemory("k\(number)", number) } }
      for number in stride(from: 0, to: tasks.count, by: 2) { tasks[number].cancel() }
      var stored = 0
      for (number, task) in tasks.enumerated() {
        let value: Int? = try await { () async throws -> Int? in
          switch await task.result {
          case .success: return number
          case .failure(let error):
            #expect(error is CancellationError)
            return nil
          }
        }()
        if value != nil { stored += 1 }
        if number % 50 < 2 { #expect(try await agent.retrieveMemory("k\(number)") == value) }
      }
      #expect(stored >= 5000)
      await agent.close()
    }
  }

  @Test("Agents of one file share its connections, and cost little")
  func manyAgents() async throws {
    try await TemporaryFolder.with("agent") { folder in
      let path = try folder.file("memory.db")
      let first = try await agent(path, "first")
      try await first.storeMemory("key", 0)
      let descriptors = try Self.descriptors(of: path)
      var agents: [Agent] = []
      for number in 0..<10_000 { agents.append(try await agent(path, "agent-\(number)")) }
      try await agents[9_999].storeMemory("key", 1)
      #expect(try await agents[5000].retrieveMemory("key", as: Int.self) == nil)
      #expect(try await agents[9_999].retrieveMemory("key") == 1)
      #expect(try Self.descriptors(of: path) <= descriptors + 4)
      for agent in agents { await agent.close() }
      #expect(try await first.retrieveMemory("key") == 0)
      await first.close()
    }
  }

  @Test(
    "A transaction that fills the disk is undone and says so; with room it happens",
    .enabled(if: SmallDisk.missing == nil, "a small disk is needed"))
  func fullDisk() async throws {
    let disk = try SmallDisk(megabytes: 4)
    let agent = try await agent(disk.path + "/memory.db")
    try await agent.storeMemory("before", 1)
    try disk.fill(leaving: 300_000)
    let large = String(repeating: "x", count: 200_000)
    let error = await #expect(throws: AgentBaseError.self) {
      try await agent.transaction { transaction in
        for number in 0..<20 { try await transaction.storeMemory("large-\(number)", large) }
      }
    }
    #expect(error?.description.contains("free space") == true)
    #expect(try await agent.listMemories().memories.map(\.key) == ["before"])
    disk.empty()
    try await agent.transaction { try await $0.storeMemory("after", large) }
    #expect(try await agent.listMemories().memories.map(\.key) == ["after", "before"])
    await agent.close()
  }

  // MARK: - Looking from outside

  private static func isSound(_ path: String) async throws -> Bool {
    try SQLiteConnection(path: path, access: .readOnly).integrityCheck().isEmpty
  }

  /// How many descriptors of this process are of a file, or lie beside it.
  private static func descriptors(of path: String) throws -> Int {
    try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count { name in
      let target = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\(name)")
      return target?.hasPrefix(path) == true
    }
  }
}
