// agentbase cutover, as a user runs it.

import AgentBase
import Foundation
import SQLite
import TestSupport
import Testing

@Suite("agentbase cutover") struct CutoverCommandTests {
  @Test("From the file to both, and to Postgres")
  func phases() async throws {
    let scene = try await CutoverScene(CutoverScene.legacySQL)
    let words = ["--agent", scene.id, "--sqlite", scene.path, "--postgres-url", scene.url]
    func run(_ verb: [String]) async throws -> Command {
      try await Command.run(verb + words, in: scene.folder.path)
    }
    #expect(try await run(["cutover", "status"]).output == "crawler: sqlite-only\n")
    let both = try await run(["cutover", "set", "dual-sqlite"])
    #expect(both.output == "crawler: dual-sqlite\nPostgres has every change\n", "\(both.errors)")
    let refused = try await run(["cutover", "set", "postgres-only"])
    #expect(refused.exitCode == 4 && refused.errors.contains("is not changed"), "\(refused.errors)")
    #expect(refused.errorLines.count == 2)

    let put = try await run(["memory", "put", "new", "1", "--backend", "dual"])
    #expect(put.exitCode == 0, "\(put.errors)")
    #expect(try await run(["import", "--quiet"]).exitCode == 0)
    let compared = try await run(["cutover", "compare", "--json"])
    let document = try compared.json()
    #expect(compared.exitCode == 0 && document["memories"] == 301 && document["difference_count"] == 0)
    let status = try await run(["cutover", "status", "--json"]).json()
    #expect(status["phase"] == "dual-sqlite" && status["lag"] == 0 && status["failure"] == .null)

    let reading = try await run(["cutover", "set", "dual-postgres", "--read-postgres", "25"])
    let lines = reading.output.split(separator: "\n")
    #expect(lines.first == "crawler: dual-postgres" && lines.count == 3, "\(reading.errors)")
    #expect(lines.dropFirst().first == "25 of 100 keys are read from Postgres and compared: 0 differences")
    let moved = try await run(["cutover", "set", "postgres-only"])
    #expect(moved.output == "crawler: postgres-only\n", "\(moved.errors)")
    let late = try await Command.run(
      ["memory", "put", "late", "1", "--agent", scene.id, "--sqlite", scene.path], in: scene.folder.path)
    #expect(late.exitCode == 1 && late.errors.contains("moved"), "\(late.errors)")
    #expect(try await run(["memory", "get", "new", "--backend", "dual"]).output == "1\n")

    // The way back: files of what was imported and of what came since, and a cut-over from the start.
    let again = try scene.folder.file("again/memory.db")
    let rollback = try await Command.run(
      ["rollback", "--postgres-url", scene.url, "--sqlite", again, "--agent", scene.id, "--quiet"],
      in: scene.folder.path)
    #expect(rollback.exitCode == 0, "\(rollback.errors)")
    let new = ["--agent", scene.id, "--sqlite", again, "--postgres-url", scene.url]
    let begun = try await Command.run(
      ["cutover", "set", "dual-sqlite", "--force"] + new, in: scene.folder.path)
    #expect(begun.exitCode == 0, "\(begun.errors)")
    let same = try await Command.run(["cutover", "compare"] + new, in: scene.folder.path)
    #expect(same.exitCode == 0, "\(same.output)\(same.errors)")
  }

  @Test(
    "Wrong words are named",
    arguments: [
      (["cutover"], "what to do"), (["cutover", "go"], "'go'"), (["cutover", "set"], "needs a phase"),
      (["cutover", "set", "both"], "'both'"), (["cutover", "status", "now"], "'now'"),
      (["cutover", "status", "--force"], "--force"),
      (["cutover", "set", "dual-sqlite", "--repair"], "--repair"),
      (["cutover", "set", "dual-sqlite", "--read-postgres", "5"], "--read-postgres"),
      (["cutover", "set", "dual-postgres", "--read-postgres", "101"], "--read-postgres"),
      (["cutover", "compare", "--read-postgres", "5"], "--read-postgres"),
      (["cutover", "status"], "--agent"), (["cutover", "status", "--agent", "a"], "AGENT_SQLITE_PATH"),
      (["cutover", "status", "--agent", "a", "--sqlite", "a.db"], "DATABASE_URL"),
    ])
  func usage(_ words: [String], _ named: String) async throws {
    let folder = try TemporaryFolder("cutover")
    let command = try await Command.run(words, in: folder.path)
    #expect(command.exitCode == 2 && command.errors.contains(named), "\(command.errors)")
    #expect(command.errorLines.count <= 2)
  }

  @Test("A server that is down is told of, and the phase is told all the same")
  func down() async throws {
    let scene = try await CutoverScene()
    try await scene.set(.dualSQLite)
    let nowhere = "postgresql://someone:s3cret@127.0.0.1:1/agents"
    let words = ["--agent", scene.id, "--sqlite", scene.path, "--postgres-url", nowhere]
    let status = try await Command.run(
      ["cutover", "status"] + words, in: scene.folder.path, secret: "s3cret")
    #expect(status.exitCode == 0 && status.output.contains("dual-sqlite\n"))
    #expect(status.output.contains("warning: "), "\(status.output)")
    let set = try await Command.run(
      ["cutover", "set", "postgres-only"] + words, in: scene.folder.path, secret: "s3cret")
    #expect(set.exitCode == 1 && !set.errors.isEmpty)
    let missing = try await Command.run(
      ["cutover", "status", "--agent", "a", "--sqlite", "none.db", "--postgres-url", nowhere],
      in: scene.folder.path)
    #expect(missing.exitCode == 1 && missing.errors.contains("none.db"))
    #expect(!FileManager.default.fileExists(atPath: scene.folder.path + "/none.db"))
  }
}
