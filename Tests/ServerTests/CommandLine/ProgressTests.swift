// A run as it is seen: a bar on a terminal, plain lines elsewhere, and one line when it is interrupted.

import Foundation
import LegacyImport
import Synchronization
import TestSupport
import Testing

@testable import agentbase

@Suite struct ProgressTests {
  @Test func aTerminalSeesABarThatIsGoneAtTheEnd() async throws {
    let agents = try LegacyFolder()
    let database = try await ServerDatabase()
    let run = try await Command.runOnTerminal(
      ["import", "--agents-path", "agents"], in: agents.home, environment: ["DATABASE_URL": database.url])
    #expect(run.exitCode == 0, "\(run.output)")
    #expect(run.output.contains("\r[") && run.output.contains("tables"))
    // Cleared, and then the summary.
    let end = try #require(run.output.range(of: "\r\u{1B}[K", options: .backwards))
    #expect(run.output[end.upperBound...].contains("verified: "))
    #expect(!run.output.contains("importing operational/crawler/memory.db memory:"))
  }

  @Test func elsewhereThereArePlainLines() async throws {
    let agents = try LegacyFolder()
    let database = try await ServerDatabase()
    let run = try await Command.run(
      ["import", "--agents-path", "agents"], in: agents.home, environment: ["DATABASE_URL": database.url])
    #expect(run.output.contains("importing operational/crawler/memory.db memory: 2 rows\n"), "\(run.output)")
    #expect(!run.output.contains("\r") && !run.output.contains("\u{1B}"))
  }

  @Test(arguments: [["--quiet"], ["--json"]])
  func whoWantsNoneSeesNone(words: [String]) async throws {
    let agents = try LegacyFolder()
    let database = try await ServerDatabase()
    let run = try await Command.runOnTerminal(
      ["import", "--agents-path", "agents"] + words, in: agents.home,
      environment: ["DATABASE_URL": database.url])
    #expect(run.exitCode == 0)
    #expect(!run.output.contains("\u{1B}"))
    if words == ["--quiet"] { #expect(run.output.isEmpty) }
  }

  @Test(arguments: [SIGINT, SIGTERM])
  func anInterruptedRunUndoesWhatIsUnderWay(signal: Int32) async throws {
    let agents = try LegacyFolder()
    let database = try await ServerDatabase()
    let words = ["import", "--agents-path", "agents", "--quiet"]
    let environment = ["DATABASE_URL": database.url]
    let made = try await Command.run(words, in: agents.home, environment: environment)
    try #require(made.exitCode == 0, "\(made.errors)")
    try await database.psql("TRUNCATE agents, agent_import_files CASCADE")
    // Another session keeps the import waiting in the middle of its work.
    async let blocked = database.psql(
      "BEGIN; LOCK TABLE agent_memories IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep(600); COMMIT")
    while try await database.psql(Self.count("granted AND mode = 'AccessExclusiveLock'")) == "0" {}
    let run = try RunningCommand(words, in: agents.home, environment: environment)
    while run.isRunning, try await database.psql(Self.count("NOT granted")) == "0" {}
    run.signal(signal)
    let ended = await run.ended()
    try await database.psql(
      """
      SELECT pg_terminate_backend(pid) FROM pg_stat_activity
      WHERE query LIKE 'BEGIN; LOCK%' AND datname = current_database() AND pid <> pg_backend_pid()
      """)
    _ = try? await blocked
    #expect(ended.exitCode == 1 && ended.output.isEmpty)
    #expect(ended.errorLines.count == 2 && ended.errors.contains("interrupted"), "\(ended.errors)")
    #expect(try await database.psql("SELECT count(*) FROM agent_memories") == "0")
    let again = try await Command.run(words, in: agents.home, environment: environment)
    #expect(again.exitCode == 0, "\(again.errors)")
    #expect(try await database.psql("SELECT count(*) FROM agent_memories") == "3")
  }

  private static func count(_ condition: String) -> String {
    """
    SELECT count(*) FROM pg_locks WHERE relation = 'agent_memories'::regclass AND \(condition)
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    """
  }

  // MARK: - The bar as a value

  @Test func theBarTellsTablesRateAndTimeLeft() {
    var progress = RunProgress()
    progress.take(.planned(files: 1, tables: 2, rows: 3000), at: .zero)
    progress.take(
      .began(.importing, file: "f", table: "t", target: "agent_memories", rows: 3000), at: .seconds(1))
    progress.take(.advanced(.importing, rows: 1500), at: .seconds(2))
    #expect(
      progress.line(at: .seconds(2), columns: 120)
        == "[###############...............] importing 50% 0/2 tables, 1,500 rows, 1,500 rows/s, 0:01 left")
    progress.take(.finished(.importing, file: "f", table: "t", rows: 1500, rejected: 0), at: .seconds(3))
    progress.take(
      .began(.importing, file: "f", table: "u", target: "agent_memories", rows: 1500), at: .seconds(3))
    progress.take(.advanced(.importing, rows: 1500), at: .seconds(4))
    #expect(
      progress.line(at: .seconds(4), columns: 60).hasSuffix(
        "importing 100% 1/2 tables, 3,000 rows, 1,000 rows/s"))
    // The proof goes over the same rows again; it begins with the first table while the second is loaded.
    progress.take(
      .began(.verifying, file: "f", table: "t", target: "agent_memories", rows: 1500), at: .seconds(5))
    #expect(progress.activity == .importing)
    progress.take(.finished(.importing, file: "f", table: "u", rows: 1500, rejected: 0), at: .seconds(6))
    #expect(progress.activity == .verifying)
    #expect(progress.fraction == 0)
  }

  @Test func filesThatAreNotKnownYetAreExpectedToBeLikeTheOthers() {
    var progress = RunProgress()
    progress.take(.planned(files: 4, tables: 0, rows: 0), at: .zero)
    for file in 0..<4 {
      let start = Duration.seconds(3 * file)
      progress.take(.planned(files: 4, tables: file + 1, rows: 1000 * (file + 1)), at: start)
      progress.take(.began(.importing, file: "\(file)", table: "t", target: "x", rows: 1000), at: start)
      progress.take(.advanced(.importing, rows: 1000), at: start + .seconds(1))
      progress.take(
        .finished(.importing, file: "\(file)", table: "t", rows: 1000, rejected: 0), at: start + .seconds(1))
      // What was done before counts on.
      #expect(progress.fraction == Double(file + 1) / 4)
      #expect(progress.tablesDone == file + 1)
      #expect(progress.rate(at: start + .seconds(1)) == 1000)
      progress.take(
        .began(.verifying, file: "\(file)", table: "t", target: "x", rows: 1000), at: start + .seconds(1))
      progress.take(.advanced(.verifying, rows: 1000), at: start + .seconds(3))
      #expect(progress.fraction == Double(file + 1) / 4)
      #expect(progress.rate(at: start + .seconds(3)) == 500)
      progress.take(
        .finished(.verifying, file: "\(file)", table: "t", rows: 1000, rejected: 0), at: start + .seconds(3))
      // A second to import and two to verify for each file that is left.
      #expect(progress.secondsLeft(at: start + .seconds(3)) == (file == 3 ? nil : Double(3 * (3 - file))))
    }
    // A backup, which knows all from the beginning, before an import, which does not.
    var both = RunProgress()
    both.take(.planned(files: 4, tables: 4, rows: 0), at: .zero)
    both.take(.began(.backingUp, file: "f", table: "", target: "x", rows: 0), at: .zero)
    both.take(.finished(.backingUp, file: "f", table: "", rows: 0, rejected: 0), at: .zero)
    #expect(both.fraction == 0.25)
    both.take(.planned(files: 4, tables: 0, rows: 0), at: .seconds(1))
    both.take(.planned(files: 4, tables: 2, rows: 100), at: .seconds(1))
    both.take(.began(.importing, file: "f", table: "t", target: "x", rows: 100), at: .seconds(1))
    both.take(.advanced(.importing, rows: 100), at: .seconds(2))
    #expect(both.fraction == 0.25)
  }

  @Test func aNarrowTerminalSeesRateAndTimeLeft() {
    var progress = RunProgress()
    progress.take(.planned(files: 1, tables: 3, rows: 600_000), at: .zero)
    progress.take(.began(.importing, file: "f", table: "t", target: "x", rows: 600_000), at: .zero)
    progress.take(.advanced(.importing, rows: 170_000), at: .seconds(5))
    let lines = [80, 70, 40, 30, 13, 4, 1].map { progress.line(at: .seconds(5), columns: $0) }
    #expect(
      lines == [
        "[###.........] importing 28% 0/3 tables, 170,000 rows, 34,000 rows/s, 0:13 left",
        "importing 28% 0/3 tables, 170,000 rows, 34,000 rows/s, 0:13 left",
        "28%, 0/3 tables, 34k rows/s, 0:13 left", "28%, 34k rows/s, 0:13 left", "28%", "28%", "",
      ])
  }

  @Test func aFleetOfManyTablesDoesNotFillALog() async throws {
    let agents = try LegacyFolder()
    for agent in 0..<60 {
      try agents.write("a/b\(agent)/x.db", "CREATE TABLE memory (key TEXT PRIMARY KEY, value TEXT)")
    }
    let database = try await ServerDatabase()
    let run = try await Command.run(
      ["import", "--agents-path", "agents"], in: agents.home, environment: ["DATABASE_URL": database.url])
    #expect(run.exitCode == 0, "\(run.errors)")
    let lines = run.output.split(separator: "\n").filter { $0.contains("x.db memory: 0 rows") }
    #expect(lines.count <= 40 && lines.count > 20)
  }

  @Test func aVerificationKnowsHowFarItIs() async throws {
    let agents = try LegacyFolder()
    let database = try await ServerDatabase()
    let words = ["--agents-path", "agents", "--postgres-url", database.url]
    _ = try await Command.run(["import"] + words, in: agents.home)
    let events = Mutex([ImportEvent]())
    _ = try await Verifier(
      Discovery(root: agents.path), options: ImportOptions(postgresURL: database.url)
    ) { event in events.withLock { $0.append(event) } }.run()
    var progress = RunProgress()
    for event in events.withLock(\.self) { progress.take(event, at: .seconds(1)) }
    #expect(progress.fraction == 1 && progress.tables == 4 && progress.tablesDone == 4)
  }

  @Test(arguments: 0..<100)
  func theBarFitsItsTerminal(columns: Int) {
    var progress = RunProgress()
    progress.take(.planned(files: 100, tables: 1000, rows: 123_456_789), at: .zero)
    progress.take(.began(.verifying, file: "f", table: "t", target: "a", rows: 9), at: .zero)
    progress.take(.advanced(.verifying, rows: 1_234_567), at: .seconds(2))
    #expect(progress.line(at: .seconds(3), columns: columns).count <= max(0, columns - 1))
  }
}
