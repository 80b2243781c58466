// Pipelines against a live server.

import Postgres
import TestSupport
import Testing

@Suite struct PostgresPipelineTests {
  private func table(
    _ version: TestServer.Version, _ configuration: PostgresConfiguration? = nil
  ) async throws -> PostgresConnection {
    let configuration = if let configuration { configuration } else { try await Live.configuration(version) }
    let connection = try await PostgresConnection.connect(configuration)
    try await connection.executeScript("CREATE TABLE t (a int PRIMARY KEY)")
    return connection
  }

  private func count(_ connection: PostgresConnection) async throws -> Int {
    try await connection.query("SELECT count(*) FROM t")[0].decode(0)
  }

  private func codes(_ answers: [Result<PostgresRows, PostgresError>]) -> [String] {
    answers.map { answer in
      switch answer {
      case .success: "ok"
      case .failure(let error): error.code == .server ? error.sqlState?.rawValue ?? "?" : error.code.rawValue
      }
    }
  }

  @Test(arguments: [true, false]) func answersComeInOrder(prepares: Bool) async throws {
    var configuration = try await Live.configuration()
    configuration.preparesStatements = prepares
    let connection = try await PostgresConnection.connect(configuration)
    try await connection.executeScript("CREATE TABLE t (a int PRIMARY KEY)")
    for mode in [PostgresPipelineMode.atomic, .independent] {
      let statements = (0..<500).map { PostgresStatement(sql: "SELECT $1::int8 * 2", values: [.int8($0)]) }
      let answers = try await connection.pipeline(statements, mode: mode)
      #expect(try answers.map { try $0.get()[0].decode(0, as: Int.self) } == (0..<500).map { $0 * 2 })
      #expect(await connection.isIdle)
    }
    #expect(try await connection.pipeline([]).isEmpty)
    await connection.close()
  }

  @Test(arguments: TestServer.versions) func anErrorInTheMiddleAbortsTheRestOfAnAtomicOne(
    version: TestServer.Version
  ) async throws {
    let connection = try await table(version)
    for _ in 0..<2 {
      let answers = try await connection.pipeline(
        [1, 2, 2, 3, 4].map { "INSERT INTO t VALUES (\($0))" as PostgresStatement })
      #expect(codes(answers) == ["ok", "ok", "23505", "pipelineAborted", "pipelineAborted"])
      #expect(try await count(connection) == 0)
    }
    // A statement that cannot even be prepared.
    let answers = try await connection.pipeline(["SELECT 1", "SELECT nothing", "SELECT 2", "SELECT nothing"])
    #expect(codes(answers) == ["ok", "42703", "pipelineAborted", "pipelineAborted"])
    #expect(codes(try await connection.pipeline(["SELECT 1", "SELECT 2"])) == ["ok", "ok"])
    await connection.close()
  }

  @Test(arguments: TestServer.versions) func anErrorInTheMiddleOfAnIndependentOneTouchesNoOther(
    version: TestServer.Version
  ) async throws {
    let connection = try await table(version)
    let answers = try await connection.pipeline(
      [1, 2, 2, 3].map { "INSERT INTO t VALUES (\($0))" } + ["SELECT nothing", "SELECT nothing", "SELECT 1"],
      mode: .independent)
    #expect(codes(answers) == ["ok", "ok", "23505", "ok", "42703", "42703", "ok"])
    #expect(try await count(connection) == 3)
    await connection.close()
  }

  @Test(arguments: TestServer.versions) func insideATransactionItIsAPartOfIt(version: TestServer.Version)
    async throws
  {
    let connection = try await table(version)
    let error = try await Live.error {
      try await connection.transaction { connection in
        let answers = try await connection.pipeline(["INSERT INTO t VALUES (1)", "INSERT INTO t VALUES (1)"])
        #expect(codes(answers) == ["ok", "23505"])
      }
    }
    #expect(error.code == .transactionAborted)
    try await connection.transaction { connection in
      for answer in try await connection.pipeline((1...3).map { "INSERT INTO t VALUES (\($0))" }) {
        _ = try answer.get()
      }
    }
    #expect(try await count(connection) == 3)
    await connection.close()
  }

  /// Both directions carry far more than the socket's buffers hold.
  @Test(arguments: TestServer.versions) func nobodyGetsStuckBehindFullBuffers(version: TestServer.Version)
    async throws
  {
    let connection = try await table(version)
    let big = String(repeating: "x", count: 300_000)
    let statements = (0..<100).map { _ in "SELECT \(big) || \(big)" as PostgresStatement }
    for mode in [PostgresPipelineMode.atomic, .independent] {
      let answers = try await connection.pipeline(statements, mode: mode)
      for answer in answers { #expect(try answer.get()[0].decode(0, as: String.self).utf8.count == 600_000) }
    }
    await connection.close()
  }

  /// The server keeps small answers until the end of the transaction, which must not be waited for before it is sent.
  @Test(.timeLimit(.minutes(2)), arguments: TestServer.versions)
  func smallAnswersBehindLargeStatementsAreNotWaitedFor(version: TestServer.Version) async throws {
    let connection = try await table(version)
    let big = String(repeating: "x", count: 700_000)
    for _ in 0..<150 {
      let answers = try await connection.pipeline(
        ["SELECT length(\(big))", "SELECT 1", "SELECT length(\(big))", "SELECT 2"])
      #expect(try answers.last?.get()[0].decode(0, as: Int32.self) == 2)
    }
    await connection.close()
  }

  @Test(arguments: TestServer.versions) func stalePlansAreMadeAnew(version: TestServer.Version) async throws {
    let connection = try await table(version)
    let statements: [PostgresStatement] = [
      "INSERT INTO t VALUES (\(1)) RETURNING *", "SELECT * FROM t WHERE a = \(1)",
    ]
    #expect(codes(try await connection.pipeline(statements)) == ["ok", "ok"])
    try await connection.executeScript("ALTER TABLE t ADD b int; TRUNCATE t")
    #expect(codes(try await connection.pipeline(statements)) == ["ok", "ok"])
    try await connection.executeScript("ALTER TABLE t ADD c int; TRUNCATE t")
    #expect(codes(try await connection.pipeline(statements, mode: .independent)) == ["ok", "ok"])
    try await connection.executeScript("TRUNCATE t; DO $$ BEGIN EXECUTE 'DEALLOCATE ALL'; END $$")
    #expect(codes(try await connection.pipeline(statements)) == ["ok", "ok"])
    #expect(try await count(connection) == 1)
    await connection.close()
  }

  @Test(arguments: [PostgresPipelineMode.atomic, .independent])
  func cancellationStopsIt(mode: PostgresPipelineMode) async throws {
    let configuration = try await Live.configuration()
    let connection = try await table(.v15, configuration)
    let task = Task {
      try await connection.pipeline(
        [
          "INSERT INTO t VALUES (1)", "SELECT pg_sleep(60)", "SELECT pg_sleep(60)",
          "INSERT INTO t VALUES (2)",
        ],
        mode: mode)
    }
    try await Live.untilAsleep(connection, of: configuration)
    task.cancel()
    let answers = codes(try await task.value)
    #expect(answers[1] == "cancelled")
    #expect(try await count(connection) == (mode == .atomic ? 0 : answers[3] == "ok" ? 2 : 1))
    #expect(await connection.isIdle)
    await connection.close()
  }

  /// So much that a part is not sent yet when the task is cancelled: it must not be committed halfway.
  @Test(arguments: TestServer.versions) func aHalfSentAtomicPipelineIsUndone(version: TestServer.Version)
    async throws
  {
    let configuration = try await Live.configuration(version)
    let connection = try await table(version, configuration)
    let big = String(repeating: "x", count: 100_000)
    let statements: [PostgresStatement] =
      ["INSERT INTO t VALUES (1)", "SELECT pg_sleep(60)"] + (0..<200).map { _ in "SELECT \(big)" }
    let task = Task { try await connection.pipeline(statements) }
    try await Live.untilAsleep(connection, of: configuration)
    task.cancel()
    #expect(
      codes(try await task.value).dropFirst().allSatisfy { ["cancelled", "pipelineAborted"].contains($0) })
    #expect(try await count(connection) == 0)
    #expect(await connection.isIdle)
    await connection.close()
  }
}
