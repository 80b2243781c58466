// agentbase verify and rollback: differences are named, and the way back is there.

import AgentBase
import DemoFleet
import Foundation
import TestSupport
import Testing

@Suite struct VerifyRollbackCommandTests {
  @Test(arguments: TestServer.versions)
  func aRowThatWasAlteredIsFoundAndNamed(version: TestServer.Version) async throws {
    let (agents, database) = try await imported(version)
    let verify = ["verify", "--agents-path", "agents", "--postgres-url", database.url]
    let good = try await Command.run(verify, in: agents.home)
    #expect(good.exitCode == 0 && good.errors.isEmpty && good.output.contains("verified: "), "\(good.errors)")
    try await database.psql(
      "UPDATE agent_memories SET content = jsonb_set(content, '{content}', '\"altered\"') WHERE key = '2'")
    let bad = try await Command.run(verify, in: agents.home)
    #expect(bad.exitCode == 4 && (1...2).contains(bad.errorLines.count), "\(bad.errors)")
    #expect(bad.output.contains("agent_memories") && bad.output.contains("operational/crawler/memory.db"))
    #expect(bad.errors.contains("operational/crawler/memory.db"))
    let json = try await Command.run(verify + ["--json"], in: agents.home)
    #expect(json.exitCode == 4)
    #expect(try json.json()["difference_count"]?.int64Value == 1)
    #expect(try json.json()["verified"] == false)
    // A report and its page are the import's alone.
    #expect(try FileManager.default.contentsOfDirectory(atPath: agents.home).count == 3)
  }

  @Test(arguments: ["DELETE FROM agent_metrics", "UPDATE agent_metrics SET value = value + 0.5"])
  func whatIsMissingIsFound(sql: String) async throws {
    let (agents, database) = try await imported(.v15)
    try await database.psql(sql)
    let run = try await Command.run(
      ["verify", "--agents-path", "agents", "--quiet"], in: agents.home,
      environment: ["DATABASE_URL": database.url])
    #expect(run.exitCode == 4 && run.output.isEmpty && run.errors.contains("agent_metrics"), "\(run.errors)")
  }

  @Test func rollbackMakesTheFilesAgainAndOverwritesNone() async throws {
    let (agents, database) = try await imported(.v15)
    let rollback = ["rollback", "--agents-path", "again", "--postgres-url", database.url]
    let made = try await Command.run(rollback, in: agents.home)
    #expect(made.exitCode == 0 && made.errors.isEmpty, "\(made.errors)")
    for name in ["operational/crawler/memory.db", "research/analyst/data.sqlite"] {
      let comparison = try SQLiteComparison(
        old: "\(agents.path)/\(name)", new: "\(agents.home)/again/\(name)")
      #expect(comparison.isIdentical, "\(comparison.differences)")
    }
    let again = try await Command.run(rollback, in: agents.home)
    #expect(again.exitCode == 1 && (1...2).contains(again.errorLines.count), "\(again.errors)")
    let one = try await Command.run(
      [
        "rollback", "--sqlite", "one.db", "--agent", "research_analyst", "--postgres-url", database.url,
        "--json",
      ], in: agents.home)
    #expect(one.exitCode == 0, "\(one.errors)")
    #expect(try one.json()["files"] != nil)
    #expect(FileManager.default.fileExists(atPath: agents.home + "/one.db"))
  }

  @Test func whatOldCodeReadsAndWhatItDoesNotIsTold() async throws {
    let (agents, database) = try await imported(.v15)
    for (key, more) in [("seen:1", []), ("seen:2", ["--ttl", "3600"])] {
      let stored = try await Command.run(
        ["memory", "put", key, "{\"n\": 1}", "--agent", "operational_crawler", "--backend", "postgres"]
          + more,
        in: agents.home, environment: ["DATABASE_URL": database.url])
      #expect(stored.exitCode == 0, "\(stored.errors)")
    }
    let rollback = ["rollback", "--postgres-url", database.url, "--agents-path"]
    let told = try await Command.run(rollback + ["again"], in: agents.home)
    #expect(told.exitCode == 0 && told.errors.isEmpty, "\(told.errors)")
    let note =
      "again/operational/crawler/memory.db: 1 row of agentbase_memories old code does not see: the table memory"
      + " has no column for the time at which a memory ends"
    #expect(told.output.contains(note), "\(told.output)")
    let json = try await Command.run(rollback + ["more", "--json"], in: agents.home)
    guard case .array(let files)? = try json.json()["files"],
      let file = files.first(where: { $0["agent_id"] == "operational_crawler" }),
      case .array(let beside)? = file["rows_beside"]
    else {
      Issue.record("\(json.output)")
      return
    }
    #expect(file["rows_written_since"] == 2 && file["rows_in_legacy_tables"] == 1)
    #expect(beside.count == 1 && beside[0]["table"] == "agentbase_memories" && beside[0]["rows"] == 1)
  }

  private func imported(
    _ version: TestServer.Version
  ) async throws -> (agents: LegacyFolder, database: ServerDatabase) {
    let agents = try LegacyFolder()
    let database = try await ServerDatabase(version)
    let run = try await Command.run(
      ["import", "--agents-path", "agents", "--quiet"], in: agents.home,
      environment: ["DATABASE_URL": database.url])
    try #require(run.exitCode == 0, "\(run.errors)")
    return (agents, database)
  }
}
