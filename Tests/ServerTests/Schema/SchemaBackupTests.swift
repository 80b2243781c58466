// A backup before steps, and both ways back with rows written in between.

import AgentBase
import Foundation
import Migrations
import SQLite
import TestSupport
import Testing

@Suite("Schema: backups") struct SchemaBackupTests {
  private func filled() async throws -> (MigrationScene, String) {
    let scene = try await MigrationScene(.sqlite)
    let steps = try scene.folder.file("steps")
    try MigrationFolder.write(StepTests.steps, to: steps)
    try await scene.migrator(StepTests.steps).up(to: 1)
    try await scene.execute("INSERT INTO routers VALUES (1, 'one'), (2, 'two')")
    return (scene, steps)
  }

  @Test("At once: the file is as it was, what is open sees it, and what was written since is kept beside it")
  func immediate() async throws {
    let (scene, steps) = try await filled()
    let words = ["--database", scene.name, "--migrations", steps]
    let up = try await Command.run(
      ["schema", "up", "--backup", "backups", "--examine", "--json"] + words, in: scene.folder.path)
    #expect(up.exitCode == 0, "\(up.errors)")
    let around = try #require(try up.json()["around"])
    let backup = try #require(around["backup"]?.stringValue)
    #expect(
      backup.contains("agent-v1-") && around["rows_before"]?["routers"] == 2
        && around["rows_after"]?["planners"] == 0)
    #expect(try SQLiteConnection(path: scene.folder.path + "/" + backup).integrityCheck().isEmpty)

    let open = try SQLiteConnection(path: scene.name)
    #expect(try open.queryOne("SELECT count(*) FROM planners")?[0] == 0)
    try await scene.execute(
      "INSERT INTO routers (id, name) VALUES (3, 'since'); INSERT INTO planners VALUES (1)")
    let restored = try await Command.run(
      ["schema", "restore", "--from", backup, "--json"] + words, in: scene.folder.path)
    #expect(restored.exitCode == 0, "\(restored.errors)")
    let document = try restored.json()
    #expect(document["version"] == 1)
    #expect(try open.query("SELECT name FROM routers ORDER BY id").map { $0[0] } == ["one", "two"])
    #expect(try open.queryOne("SELECT 1 FROM sqlite_schema WHERE name = 'planners'") == nil)
    #expect(try open.integrityCheck().isEmpty)
    let kept = try #require(document["replaced"]?.stringValue)
    let since = try SQLiteConnection(path: scene.folder.path + "/" + kept)
    #expect(try since.queryOne("SELECT name FROM routers WHERE id = 3")?[0] == "since")
    #expect(try await scene.migrator(StepTests.steps).up().map(\.version) == [2, 3])
  }

  @Test(
    "To a version: what was written since stays, and what the older schema cannot hold comes back",
    arguments: SchemaBackend.all)
  func partial(_ backend: SchemaBackend) async throws {
    let scene = try await MigrationScene(backend)
    let migrator = scene.migrator(StepTests.steps)
    try await migrator.up()
    try await scene.execute(
      "INSERT INTO routers VALUES (1, 'one', 'active'), (2, 'two', 'idle'), (3, 'three', NULL); INSERT INTO planners VALUES (7), (8)"
    )
    try await migrator.down(to: 1)
    try await scene.execute(
      "UPDATE routers SET name = 'first' WHERE id = 1; DELETE FROM routers WHERE id = 2; INSERT INTO routers VALUES (4, 'four')"
    )
    try await migrator.up()
    #expect(
      try await scene.rows("SELECT id, name, status FROM routers ORDER BY 1")
        == [["1", "first", "active"], ["3", "three", "-"], ["4", "four", "-"]])
    #expect(try await scene.rows("SELECT id FROM planners ORDER BY 1") == [["7"], ["8"]])
    // Down to nothing, and all of it again.
    try await migrator.down(to: 0)
    try await migrator.up()
    #expect(
      try await scene.rows("SELECT id, name, status FROM routers ORDER BY 1")
        == [["1", "first", "active"], ["3", "three", "-"], ["4", "four", "-"]])
    #expect(try await scene.rows("SELECT id FROM planners ORDER BY 1") == [["7"], ["8"]])
  }

  @Test("A damaged backup, one that is none, and a folder that cannot be made change nothing")
  func damaged() async throws {
    let (scene, steps) = try await filled()
    let words = ["--database", scene.name, "--migrations", steps]
    let backup = try await scene.migrator(StepTests.steps).backUp(to: scene.folder.path + "/backups")
    let handle = try FileHandle(forUpdating: URL(filePath: backup))
    try handle.seek(toOffset: 4096)
    try handle.write(contentsOf: Data(repeating: 0x5A, count: 8192))
    try handle.close()
    try Data("text".utf8).write(to: URL(filePath: scene.folder.path + "/text"))
    for file in [backup, scene.folder.path + "/text", scene.folder.path + "/none"] {
      let command = try await Command.run(
        ["schema", "restore", "--from", file] + words, in: scene.folder.path)
      #expect(command.exitCode == 1 && command.errors.contains(file), "\(command.errors)")
    }
    #expect(try await scene.value("SELECT count(*) FROM routers") == "2")
    #expect(try await scene.migrator(StepTests.steps).status().version == 1)

    let blocked = try await Command.run(
      ["schema", "up", "--backup", "/proc/nowhere"] + words, in: scene.folder.path)
    #expect(blocked.exitCode == 1 && blocked.errors.contains("/proc/nowhere"), "\(blocked.errors)")
    #expect(try await scene.migrator(StepTests.steps).status().version == 1)
  }

  @Test("A command of one's own has the last word", arguments: SchemaBackend.all)
  func check(_ backend: SchemaBackend) async throws {
    let scene = try await MigrationScene(backend)
    let steps = try scene.folder.file("steps")
    try MigrationFolder.write(StepTests.steps, to: steps)
    let words = ["--database", scene.name, "--migrations", steps]
    let failed = try await Command.run(
      ["schema", "up", "--to", "1", "--check", "echo looked; exit 3"] + words, in: scene.folder.path)
    #expect(failed.exitCode == 4 && failed.errors.contains("exit code 3") && failed.errors.contains("looked"))
    #expect(failed.errors.contains("go back with"))
    let held = try await Command.run(
      ["schema", "up", "--check", "true", "--json"] + words, in: scene.folder.path)
    #expect(try held.exitCode == 0 && held.json()["version"] == 3, "\(held.errors)")
    guard backend != .sqlite else { return }
    let backup = try await Command.run(
      ["schema", "down", "--to", "1", "--backup", "x"] + words, in: scene.folder.path)
    #expect(
      backup.exitCode == 1 && backup.errors.contains("pg_dump --format=custom --file 'x/"), "\(backup.errors)"
    )
    let dry = try await Command.run(
      ["schema", "down", "--to", "1", "--dry-run"] + words, in: scene.folder.path)
    #expect(dry.output.hasPrefix("-- a backup first: pg_dump"), "\(dry.output)")
  }
}
