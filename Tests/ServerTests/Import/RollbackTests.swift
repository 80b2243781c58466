// The way back: every row of every table as it was, and what agents wrote since.

import AgentBase
import DemoFleet
import Foundation
import LegacyImport
import Postgres
import SQLite
import TestSupport
import Testing

@Suite struct RollbackTests {
  private func rollBack(_ scene: ImportScene, into folder: String) async throws -> RollbackReport {
    try await Rollback(postgresURL: scene.url, destination: .folder(folder)).run()
  }

  @Test(arguments: TestServer.versions)
  func everyTableOfEveryFileHoldsTheSameRows(version: TestServer.Version) async throws {
    let scene = try await ImportScene(version)
    _ = try await scene.importAll()
    let folder = scene.folder.path + "/restored"
    let report = try await rollBack(scene, into: folder)
    #expect(report.exitCode == 0)
    #expect(report.warnings.isEmpty)
    #expect(report.files.count == scene.fleet.count)
    for file in scene.fleet {
      let comparison = try SQLiteComparison(old: file.path, new: folder + "/" + file.relativePath)
      #expect(comparison.isIdentical, "\(file.relativePath): \(comparison.differences)")
    }
  }

  @Test func whatAgentsWroteSinceStandsBesideTheOldRows() async throws {
    let scene = try await ImportScene(.v15)
    _ = try await scene.importAll()
    let agent = try await Agent(
      AgentConfig(name: "operational_crawler", memoryBackend: .postgres(url: scene.url)))
    try await agent.storeMemory("1", "a new value for an old key")
    try await agent.storeMemory("user:42", ["theme": "dark"])
    try await agent.recordMetric("latency", 12.5)
    await agent.close()
    let newcomer = try await Agent(AgentConfig(name: "newcomer", memoryBackend: .postgres(url: scene.url)))
    try await newcomer.storeMemory("k", 1)
    await newcomer.close()

    let folder = scene.folder.path + "/restored"
    let report = try await rollBack(scene, into: folder)
    #expect(report.exitCode == 0)
    #expect(report.files.reduce(0) { $0 + $1.written } == 4)
    let file = "operational/crawler/memory.db"
    let comparison = try SQLiteComparison(old: scene.root + "/" + file, new: folder + "/" + file)
    #expect(comparison.keepsAll)
    #expect(FileManager.default.fileExists(atPath: folder + "/newcomer/memory.db"))

    let restored = try SQLiteConnection(path: folder + "/" + file, access: .readOnly)
    #expect(
      try restored.queryOne("SELECT content FROM agentbase_memories WHERE key = '1'")?[0]
        == .text("\"a new value for an old key\""))
  }

  @Test func aRowThatWasTamperedWithIsNotTakenForProved() async throws {
    let scene = try await ImportScene(.v15)
    _ = try await scene.importAll()
    try await scene.execute(
      "UPDATE agent_memories SET content = content || '{\"content\": \"forged\"}' WHERE key = '1'")
    let report = try await rollBack(scene, into: scene.folder.path + "/restored")
    #expect(report.exitCode == 4)
    #expect(!report.warnings.isEmpty)
  }

  @Test func twoAgentsWithOnePathAreBothWritten() async throws {
    let scene = try await ImportScene(.v15)
    for agent in ["a", "b"] {
      let path = scene.folder.path + "/\(agent)/memory.db"
      try FileManager.default.createDirectory(
        atPath: scene.folder.path + "/" + agent, withIntermediateDirectories: true)
      try SQLiteConnection(path: path).executeScript(
        "CREATE TABLE memory (id INTEGER PRIMARY KEY, content TEXT); INSERT INTO memory VALUES (1, '\(agent)')"
      )
      let report = try await Importer(
        Discovery(file: path, agent: agent), options: ImportOptions(postgresURL: scene.url)
      ).run()
      #expect(report.exitCode == 0)
    }
    let report = try await rollBack(scene, into: scene.folder.path + "/restored")
    #expect(report.exitCode == 0)
    for agent in ["a", "b"] {
      let comparison = try SQLiteComparison(
        old: scene.folder.path + "/\(agent)/memory.db",
        new: scene.folder.path + "/restored/\(agent)/memory.db")
      #expect(comparison.isIdentical)
    }
  }

  @Test(arguments: ["../escaped.db", "/absolute.db", "a/../../b.db", ""])
  func aPathThatLeadsOutOfTheFolderIsRefused(path: String) async throws {
    let scene = try await ImportScene(.v15)
    _ = try await scene.importAll()
    try await scene.execute(
      "UPDATE agent_import_files SET path = \(path) WHERE agent_id = 'operational_crawler'")
    let folder = scene.folder.path + "/deep/restored"
    await #expect(throws: ImportError.self) { try await rollBack(scene, into: folder) }
    #expect(!FileManager.default.fileExists(atPath: scene.folder.path + "/deep"))
  }

  @Test func aFolderThatCannotBeMadeIsNamedInPlainWords() async throws {
    let scene = try await ImportScene(.v15)
    _ = try await scene.importAll()
    let taken = scene.folder.path + "/taken"
    try "text".write(toFile: taken, atomically: true, encoding: .utf8)
    let error = await #expect(throws: ImportError.self) { try await rollBack(scene, into: taken) }
    #expect(error?.description.contains("Domain") == false)
    #expect(error?.description.contains(taken) == true)
  }

  @Test func aFileThatIsThereIsNotTouched() async throws {
    let scene = try await ImportScene(.v15)
    _ = try await scene.importAll()
    await #expect(throws: ImportError.self) { try await rollBack(scene, into: scene.root) }
  }
}
