// Backends that are killed and servers that go away, in the middle of everything.

import Postgres
import PrivateServer
import Synchronization
import TestSupport
import Testing

@Suite struct PostgresFaultTests {
  private final class Flag: Sendable {
    private let state = Atomic<Bool>(false)
    var isSet: Bool { state.load(ordering: .relaxed) }
    func set() { state.store(true, ordering: .relaxed) }
  }

  /// Two connections to one database: the one that will be hit, and the one that hits.
  private func pair(
    _ version: TestServer.Version
  ) async throws -> (victim: PostgresConnection, other: PostgresConnection) {
    let configuration = try await Live.configuration(version)
    let victim = try await PostgresConnection.connect(configuration)
    let other = try await PostgresConnection.connect(configuration)
    try await other.executeScript("CREATE TABLE t (a int)")
    return (victim, other)
  }

  private func kill(_ victim: PostgresConnection, by other: PostgresConnection) async throws {
    try await other.execute("SELECT pg_terminate_backend(\(victim.backendProcessID), 10000)")
  }

  private func count(_ connection: PostgresConnection) async throws -> Int {
    try await connection.query("SELECT count(*) FROM t")[0].decode(0)
  }

  @Test(arguments: TestServer.versions) func killedWhileIdle(version: TestServer.Version) async throws {
    let (victim, other) = try await pair(version)
    try await kill(victim, by: other)
    let error = try await Live.error { try await victim.execute("INSERT INTO t VALUES (1)") }
    #expect(error.code == .connectionLost)
    #expect(error.isSafeToRetry)
    #expect(await !victim.isUsable)
    #expect(!victim.isReusable)
    let again = try await Live.error { _ = try await victim.query("SELECT 1") }
    #expect(again.code == .connectionLost)
    #expect(try await count(other) == 0)
    await victim.close()
    await other.close()
  }

  @Test(arguments: TestServer.versions) func killedInAQuery(version: TestServer.Version) async throws {
    let configuration = try await Live.configuration(version)
    let victim = try await PostgresConnection.connect(configuration)
    let other = try await PostgresConnection.connect(configuration)
    async let running = Live.error { _ = try await victim.query("SELECT pg_sleep(60)") }
    try await Live.untilAsleep(victim, of: configuration)
    try await kill(victim, by: other)
    let error = try await running
    #expect(error.code == .connectionLost)
    #expect(error.sqlState == .adminShutdown)
    #expect(!error.isSafeToRetry)
    #expect(error.sql == "SELECT pg_sleep(60)")
    await other.close()
  }

  @Test(arguments: TestServer.versions) func killedInATransaction(version: TestServer.Version) async throws {
    let (victim, other) = try await pair(version)
    let error = try await Live.error {
      try await victim.transaction { victim in
        try await victim.execute("INSERT INTO t VALUES (1)")
        try await victim.execute("SELECT pg_terminate_backend(pg_backend_pid())")
      }
    }
    #expect(error.code == .connectionLost)
    // It was not committed, so the whole transaction can be run again.
    #expect(error.isSafeToRetry)
    let swallowed = try await pair(version)
    let late = try await Live.error {
      try await swallowed.victim.transaction { victim in
        try await victim.execute("INSERT INTO t VALUES (1)")
        try await kill(victim, by: swallowed.other)
        _ = try? await victim.query("SELECT 1")
      }
    }
    #expect(late.code == .connectionLost)
    #expect(late.isSafeToRetry)
    #expect(try await count(other) == 0)
    await other.close()
    await swallowed.other.close()
  }

  @Test(arguments: TestServer.versions) func killedDuringCommit(version: TestServer.Version) async throws {
    let (victim, other) = try await pair(version)
    try await other.executeScript(
      """
      CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$;
      CREATE CONSTRAINT TRIGGER die AFTER INSERT ON t DEFERRABLE INITIALLY DEFERRED
        FOR EACH ROW EXECUTE FUNCTION die()
      """)
    let error = try await Live.error {
      try await victim.transaction { try await $0.execute("INSERT INTO t VALUES (1)") }
    }
    #expect(error.code == .connectionLost)
    #expect(!error.isSafeToRetry)
    #expect(error.description.contains("unknown"))
    await other.close()
  }

  @Test(arguments: TestServer.versions) func killedInAPipeline(version: TestServer.Version) async throws {
    for mode in [PostgresPipelineMode.atomic, .independent] {
      let (victim, other) = try await pair(version)
      let answers = try await victim.pipeline(
        [
          "INSERT INTO t VALUES (1)", "SELECT pg_terminate_backend(pg_backend_pid())",
          "INSERT INTO t VALUES (2)",
          "INSERT INTO t VALUES (3)",
        ], mode: mode)
      let codes = answers.map { answer -> PostgresError.Code? in
        if case .failure(let error) = answer { error.code } else { nil }
      }
      let lost = PostgresError.Code.connectionLost
      #expect(codes == (mode == .atomic ? [lost, lost, lost, lost] : [nil, lost, lost, lost]))
      #expect(try await count(other) == (mode == .atomic ? 0 : 1))
      #expect(await !victim.isUsable)
      await other.close()
    }
  }

  @Test(arguments: TestServer.versions) func killedInACopyIn(version: TestServer.Version) async throws {
    let (victim, other) = try await pair(version)
    let piece = Array(String(repeating: "1\n", count: 50_000).utf8)
    let error = try await Live.error {
      try await victim.copyIn("COPY t FROM STDIN") { writer in
        try await writer.write(piece)
        try await kill(victim, by: other)
        while true { try await writer.write(piece) }
      }
    }
    #expect(error.code == .connectionLost, "\(error)")
    #expect(error.isSafeToRetry)
    #expect(await !victim.isUsable)
    #expect(try await count(other) == 0)
    await other.close()
  }

  @Test(arguments: TestServer.versions) func killedInACopyOut(version: TestServer.Version) async throws {
    let configuration = try await Live.configuration(version)
    let victim = try await PostgresConnection.connect(configuration)
    let error = try await Live.error {
      try await victim.copyOut(
        """
        COPY (SELECT a, CASE a WHEN 50000 THEN pg_terminate_backend(pg_backend_pid()) END
          FROM generate_series(1, 100000) a) TO STDOUT
        """
      ) { _ in }
    }
    #expect(error.code == .connectionLost, "\(error)")
    #expect(await !victim.isUsable)
  }

  /// What was acknowledged is there after the server was killed and started again, and every worker goes on.
  @Test(arguments: TestServer.versions) func aServerThatIsKilledAndRestartedUnderLoad(
    version: TestServer.Version
  ) async throws {
    let server = try await TestServer.dedicated(version)
    let configuration = try PostgresConfiguration(server.server.url())
    let setup = try await PostgresConnection.connect(configuration)
    try await setup.executeScript("CREATE TABLE t (a int PRIMARY KEY)")
    await setup.close()
    let over = Flag()
    let acknowledged = Shared<[[Int]]>(Array(repeating: [], count: 6))
    let workers = (0..<6).map { worker in
      Task {
        var number = 0
        while !over.isSet {
          guard let connection = try? await PostgresConnection.connect(configuration) else {
            try await Task.sleep(for: .milliseconds(10))
            continue
          }
          do {
            while !over.isSet {
              number += 1
              let key = worker * 1_000_000 + number
              if number % 4 == 0 {
                try await connection.transaction { try await $0.execute("INSERT INTO t VALUES (\(key))") }
              } else if number % 4 == 1 {
                for answer in try await connection.pipeline(["INSERT INTO t VALUES (\(key))"]) {
                  _ = try answer.get()
                }
              } else {
                try await connection.execute("INSERT INTO t VALUES (\(key))")
              }
              acknowledged.withLock { $0[worker].append(key) }
            }
          } catch {
            // The link is gone; another one goes on.
          }
          await connection.close()
        }
      }
    }
    // Each worker is in the middle of its work when the server is killed, and gets on with it afterwards.
    for round in 0...1 {
      if round > 0 { try await server.server.restart(.immediate) }
      let before = acknowledged.withLock { $0.map(\.count) }
      try await until { acknowledged.withLock { zip($0, before).allSatisfy { $0.count >= $1 + 8 } } }
    }
    over.set()
    for worker in workers { try await worker.value }
    let check = try await PostgresConnection.connect(configuration)
    let there = Set(try await check.query("SELECT a FROM t").map { try $0.decode(0, as: Int.self) })
    for worker in acknowledged.withLock({ $0 }) { #expect(there.isSuperset(of: worker)) }
    await check.close()
    try await server.server.remove()
  }
}
