// Agents whose server goes: connections that are ended under a thousand tasks, restarts, a failover, conflicts and deadlocks.

import AgentBase
import Foundation
import Postgres
import PrivateServer
import Synchronization
import TestSupport
import Testing

@Suite("Agents: servers that fail", .serialized) struct ServerFaultTests {
  static let versions = TestBackend.all.compactMap { $0 == .pgbouncer ? nil : $0.version }

  // MARK: - Broken connections

  @Test(
    "Connections that are ended under a thousand tasks lose nothing that was acknowledged",
    arguments: versions)
  func endedConnections(_ version: TestServer.Version) async throws {
    let server = try await TestServer.dedicated(version)
    let url = try await server.freshDatabase()
    let agent = try await Agent(config(url))
    try await load(agent, tasks: 1000) { acknowledged in
      for _ in 0..<5 {
        let before = acknowledged()
        try await server.server.psql(
          "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'agents of the test'"
        )
        try await until { acknowledged() > before + 1000 }
      }
    }
    await agent.close()
    try await server.server.remove()
  }

  @Test("A server that is restarted, or crashes, loses nothing that was acknowledged", arguments: versions)
  func restart(_ version: TestServer.Version) async throws {
    let server = try await TestServer.dedicated(version)
    let url = try await server.freshDatabase()
    let agent = try await Agent(config(url))
    try await load(agent, tasks: 200) { acknowledged in
      for mode in [PrivateServer.StopMode.fast, .immediate] {
        let before = acknowledged()
        try await server.server.restart(mode)
        try await until { acknowledged() > before + 400 }
      }
    }
    await agent.close()
    try await server.server.remove()
  }

  @Test(
    "Where the server is gone for good, calls fail when their time is up, with one error", arguments: versions
  )
  func deadline(_ version: TestServer.Version) async throws {
    let server = try await TestServer.dedicated(version)
    var config = config(try await server.freshDatabase())
    config.waitLimit = .seconds(1)
    config.connections.retryLimit = .seconds(1)
    let agent = try await Agent(config)
    try await agent.storeMemory("key", 1)
    try await server.server.stop(.immediate)
    let start = ContinuousClock.now
    try await withThrowingTaskGroup(of: Void.self) { group in
      for number in 0..<1000 {
        group.addTask {
          let error = await #expect(throws: AgentBaseError.self) {
            if number.isMultiple(of: 2) {
              try await agent.storeMemory("key", number)
            } else {
              _ = try await agent.retrieveMemory("key", as: Int.self)
            }
          }
          #expect(error?.code == .unavailable, "\(String(describing: error))")
        }
      }
      try await group.waitForAll()
    }
    // A second for a connection, a second of attempts, and a slow machine.
    #expect(ContinuousClock.now - start < .seconds(20))
    try await server.server.start()
    try await until { (try? await agent.retrieveMemory("key", as: Int.self)) == 1 }
    await agent.close()
    try await server.server.remove()
  }

  // MARK: - Two hosts

  @Test(
    "When a standby takes over, its agents go on there with all that was acknowledged", arguments: versions)
  func failover(_ version: TestServer.Version) async throws {
    let pair = try await StandbyPair.started(version)
    let agent = try await Agent(config(pair.url))
    try await load(agent, tasks: 100) { acknowledged in
      try await until { acknowledged() > 200 }
      try await pair.primary.server.stop(.immediate)
      try await pair.standby.psql("SELECT pg_promote()")
      // The new primary has no standby to wait for.
      try await pair.standby.psql("ALTER SYSTEM RESET synchronous_standby_names")
      try await pair.standby.psql("SELECT pg_reload_conf()")
      let before = acknowledged()
      try await until { acknowledged() > before + 500 }
    }
    await agent.close()
    try await pair.remove()
  }

  // MARK: - Conflicts

  @Test(
    "Where every transaction is serializable, stores of the same keys are tried again", arguments: versions)
  func serializationFailures(_ version: TestServer.Version) async throws {
    let url = try await TestServer.freshDatabase(version)
    let control = try await PostgresConnection.connect(try PostgresConfiguration(url))
    let name = try #require(try PostgresConfiguration(url).database)
    try await control.execute(
      "ALTER DATABASE \(identifier: name) SET default_transaction_isolation = 'serializable'")
    for gathers in [true, false] {
      var config = config(url)
      config.gathersCalls = gathers
      config.connections.retryLimit = .seconds(60)
      let agent = try await Agent(config)
      try await withThrowingTaskGroup(of: Void.self) { group in
        for number in 0..<200 { group.addTask { try await agent.storeMemory("k\(number % 4)", number) } }
        try await group.waitForAll()
      }
      for key in 0..<4 {
        let value: Int = try #require(try await agent.retrieveMemory("k\(key)"))
        #expect(value % 4 == key)
      }
      await agent.close()
    }
    await control.close()
  }

  @Test("A deadlock with another's transaction ends, and the store is made", arguments: versions)
  func deadlock(_ version: TestServer.Version) async throws {
    let url = try await TestServer.freshDatabase(version)
    let control = try await PostgresConnection.connect(try PostgresConfiguration(url))
    var config = config(url)
    config.connections.retryLimit = .seconds(60)
    let agent = try await Agent(config)
    try await agent.storeMemories((0..<40).map { MemoryItem("k\($0)", $0) })
    for round in 0..<3 {
      // Another holds one key and then wants another, against the order in which a batch takes them.
      try await control.executeScript("BEGIN; SET LOCAL deadlock_timeout = '20s'")
      try await control.execute("UPDATE agent_memories SET metadata = '{}' WHERE key = 'k39'")
      let batch = Task { try await agent.storeMemories((0..<40).map { MemoryItem("k\($0)", $0 + round) }) }
      try await until {
        let waiting = try await control.queryOne(
          "SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype IN ('transactionid', 'tuple')")
        return try waiting?.decode(0, as: Int.self) ?? 0 > 0
      }
      // The batch is chosen to end it, for its patience is the shorter.
      try await control.execute("UPDATE agent_memories SET metadata = '{}' WHERE key = 'k0'")
      try await control.executeScript("COMMIT")
      try await batch.value
      #expect(try await agent.retrieveMemory("k39") == 39 + round)
      #expect(try await agent.retrieveMemory("k0") == round)
    }
    await control.close()
    await agent.close()
  }

  // MARK: - Help

  private func config(_ url: String) -> AgentConfig {
    var config = AgentConfig(
      name: "agent", memoryBackend: .postgres(url: url + "&application_name=agents%20of%20the%20test"))
    // However long a restart takes here.
    config.waitLimit = .seconds(300)
    config.connections.retryLimit = .seconds(300)
    return config
  }

  /// Runs a fault while tasks store growing numbers, each under a key of its own, and checks what is there afterwards.
  private func load(
    _ agent: Agent, tasks: Int, during fault: (_ acknowledged: () -> Int) async throws -> Void
  ) async throws {
    let isOver = Shared(false)
    let acknowledged = Shared((count: 0, values: [Int](repeating: 0, count: tasks)))
    let workers = (0..<tasks).map { task in
      Task {
        var tried = 0
        while !isOver.withLock({ $0 }) {
          tried += 1
          do {
            try await agent.storeMemory("k\(task)", tried)
            acknowledged.withLock { [tried] in
              $0.count += 1
              $0.values[task] = tried
            }
            #expect(try await agent.retrieveMemory("k\(task)") == tried)
          } catch let error as AgentBaseError {
            // Nothing but the loss of the link comes through, and it says that nobody knows what became of the call.
            #expect(error.code == .unavailable && !error.isSafeToRetry, "\(error)")
          }
        }
        return tried
      }
    }
    do {
      try await fault { acknowledged.withLock { $0.count } }
    } catch {
      isOver.withLock { $0 = true }
      throw error
    }
    isOver.withLock { $0 = true }
    for (task, worker) in workers.enumerated() {
      let tried = try await worker.value
      let stored: Int? = try await agent.retrieveMemory("k\(task)")
      let last = acknowledged.withLock { $0.values[task] }
      // What was acknowledged is there, or what was tried after it; nothing older has come back.
      #expect(
        (last...tried).contains(stored ?? 0),
        "\(task): stored \(stored ?? 0), acknowledged \(last), tried \(tried)")
    }
  }
}

/// A primary and a standby that has every commit before it is acknowledged.
private struct StandbyPair {
  let primary: TestServer
  let standby: PrivateServer
  let database: String

  /// Both hosts, in the order in which they are tried; whichever takes writes.
  var url: String {
    "postgresql:///\(database)?host=\(primary.server.socketDirectory),\(standby.socketDirectory)"
      + "&user=\(PrivateServer.superuser)&target_session_attrs=read-write"
  }

  static func started(_ version: TestServer.Version) async throws -> StandbyPair {
    var settings = PrivateServer.Settings.forTests
    settings.accessRules += "\nlocal replication all trust"
    let primary = try await TestServer.dedicated(version, settings: settings)
    let name = "agents"
    try await primary.server.createDatabase(name)
    let folder = try TestProcess.folder + "/standby-\(UUID().uuidString.prefix(8))"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
    try await run(
      primary.server.binaries.program("pg_basebackup"),
      [
        "--host=\(primary.server.socketDirectory)", "--username=\(PrivateServer.superuser)",
        "--pgdata=\(folder)/data", "--checkpoint=fast", "--wal-method=stream", "--no-sync",
      ])
    _ = FileManager.default.createFile(atPath: folder + "/data/standby.signal", contents: nil)
    if geteuid() == 0 { try await run("/bin/chown", ["-R", "postgres", folder]) }
    settings.parameters["primary_conninfo"] =
      "host=\(primary.server.socketDirectory) user=\(PrivateServer.superuser) application_name=standby"
    let server = PrivateServer(
      in: folder, binaries: primary.server.binaries, settings: settings, watchdog: try TestProcess.watchdog)
    try await server.start()
    // From now on a commit is acknowledged when the standby has it too.
    try await primary.server.psql("ALTER SYSTEM SET synchronous_standby_names = 'standby'")
    try await primary.server.psql("SELECT pg_reload_conf()")
    try await until {
      try await primary.server.psql("SELECT sync_state FROM pg_stat_replication").hasPrefix("sync")
    }
    return StandbyPair(
      primary: primary, standby: server, database: name)
  }

  func remove() async throws {
    try await standby.remove()
    try await primary.server.remove()
  }

  private static func run(_ program: String, _ arguments: [String]) async throws {
    let process = Process()
    process.executableURL = URL(filePath: program)
    process.arguments = arguments
    let output = Pipe()
    process.standardError = output
    process.standardOutput = output
    try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
      process.terminationHandler = { _ in continuation.resume() }
      do { try process.run() } catch { continuation.resume(throwing: error) }
    }
    let text = String(decoding: output.fileHandleForReading.availableData, as: UTF8.self)
    try #require(process.terminationStatus == 0, "\(program): \(text)")
  }
}
