// The files, commands and Swift of Documentation/Schema.md, run as they are printed there.

import AgentBase
import Foundation
import Migrations
import SQLite
import TestSupport
import Testing

@Suite("Documentation: schema") struct SchemaDocumentationTests {
  private static let root = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../..")

  private static func document() throws -> String {
    try String(contentsOf: root.appending(path: "Documentation/Schema.md"), encoding: .utf8)
  }

  /// The blocks of a kind with their kind, in the order of the document.
  private static func blocks() throws -> [(kind: String, lines: [Substring])] {
    let parts = try document().split(separator: "```", omittingEmptySubsequences: false)
    return parts.enumerated().filter { $0.offset % 2 == 1 }.map { _, part in
      let lines = part.split(separator: "\n", omittingEmptySubsequences: false)
      return (String(lines[0]), Array(lines.dropFirst().dropLast()))
    }
  }

  @Test("The commands run, one after the other, on the files that stand before them")
  func commands() async throws {
    let folder = try TemporaryFolder("documentation")
    var commands = 0
    for block in try Self.blocks() {
      switch block.kind {
      case "sql":
        let name = try #require(block.lines.first?.split(separator: " ").last)
        let text = block.lines.dropFirst().joined(separator: "\n") + "\n"
        try Data(text.utf8).write(to: URL(filePath: try folder.file(String(name))))
      case "":
        for line in block.lines where line.hasPrefix("agentbase ") {
          let words = try line.split(separator: " ").dropFirst().map { word -> String in
            guard word.contains("*") else { return String(word) }
            let backups = try FileManager.default.contentsOfDirectory(atPath: folder.path + "/backups")
            let start = word.split(separator: "/").last?.prefix { $0 != "*" } ?? ""
            return "backups/" + (try #require(backups.sorted().last { $0.hasPrefix(start) }))
          }
          let command = try await Command.run(words, in: folder.path)
          #expect(command.exitCode == 0, "\(line)\n\(command.output)\(command.errors)")
          commands += 1
        }
      default: break
      }
    }
    #expect(commands >= 10)
    let status = try await Command.run(
      ["schema", "status", "--database", "agent.db", "--migrations", "migrations", "--json"], in: folder.path)
    #expect(try status.json()["version"] == 3)
  }

  @Test("The Swift does what it says")
  func swift() async throws {
    let place = try TemporaryFolder("documentation")
    let (folder, path) = (try place.file("steps"), try place.file("agent.db"))
    let base = [
      Migration(
        version: 1, name: "base",
        up: """
          CREATE TABLE routers (router_id TEXT PRIMARY KEY, metadata TEXT);
          CREATE TABLE workers (worker_id TEXT PRIMARY KEY, status TEXT);
          INSERT INTO routers VALUES ('r1', '{}'); INSERT INTO workers VALUES ('w1', 'new');
          """, down: "DROP TABLE workers; DROP TABLE routers")
    ]
    let routers = SchemaChange.Table("routers", key: "router_id", .sqlite)
    let workers = SchemaChange.Table("workers", key: "worker_id", .sqlite)
    let timeout = SchemaChange.addAttribute("timeout_seconds", default: "300", to: routers)
    let context = SchemaChange.addColumn("conversation_context", type: "TEXT", to: routers)
    let promotion = SchemaChange.promote(
      "timeout_seconds", to: .integer, default: "300", in: routers, pace: .gradual(batch: 1000))
    let anew = SchemaChange.restructure(
      workers, definition: "worker_id TEXT PRIMARY KEY, status TEXT, priority INTEGER DEFAULT 0",
      columns: [.carried("worker_id"), .carried("status"), .added("priority", value: "0")])
    var steps = base
    for change in [timeout, context, promotion, anew] { steps += change.migrations(from: steps.count + 1) }
    try MigrationFolder.write(steps, to: folder)

    let migrator = Migrator(.sqlite(path: path), try MigrationFolder(path: folder).migrations)
    try await migrator.up()
    let status = try await migrator.status()
    let verification = try await migrator.verify()
    #expect(status.version == 7 && verification.holds)
    #expect(try SQLiteConnection(path: path).queryOne("SELECT timeout_seconds FROM routers")?[0] == 300)
    try await migrator.down(to: 1)
    #expect(try SQLiteConnection(path: path).queryOne("SELECT metadata FROM routers")?[0] == "{}")

    let test = try String(contentsOfFile: #filePath, encoding: .utf8).filter { !$0.isWhitespace }
    let lines = try Self.blocks().filter { $0.kind == "swift" }.flatMap(\.lines)
    #expect(lines.count > 15)
    for line in lines where !line.isEmpty {
      #expect(test.contains(line.filter { !$0.isWhitespace }), "\(line)")
    }
  }
}
