// agentbase schema, as a user runs it.

import AgentBase
import Foundation
import Migrations
import Schema
import TestSupport
import Testing

extension JSON {
  fileprivate var elements: [JSON] { if case .array(let values) = self { values } else { [] } }
  fileprivate subscript(place: Int) -> JSON? { elements.indices.contains(place) ? elements[place] : nil }
}

@Suite("agentbase schema") struct SchemaCommandTests {
  /// A database and a folder of steps beside it.
  private struct Project {
    let scene: MigrationScene
    let steps: String

    init(_ backend: SchemaBackend, _ migrations: [Migration] = StepTests.steps) async throws {
      scene = try await MigrationScene(backend)
      steps = try scene.folder.file("steps")
      try MigrationFolder.write(migrations, to: steps)
    }

    func run(_ words: [String]) async throws -> Command {
      try await Command.run(
        ["schema"] + words + ["--database", scene.name, "--migrations", steps], in: scene.folder.path)
    }
  }

  @Test("Up, status, dry run, down and verify of a folder", arguments: SchemaBackend.all)
  func folder(_ backend: SchemaBackend) async throws {
    let project = try await Project(backend)
    let before = try await project.run(["status"])
    #expect(
      before.output.hasPrefix("version 0 of 3: 3 steps to go, with agentbase schema up\n0001  routers"),
      "\(before.errors)")
    let dry = try await project.run(["up", "--dry-run"])
    #expect(
      dry.exitCode == 0 && dry.output.contains("-- step 2 (planners)\n-- who plans\nCREATE TABLE planners"))
    #expect(try await project.scene.columns("routers") == [])
    let dryJSON = try await project.run(["up", "--dry-run", "--json", "--to", "1"]).json()
    #expect(dryJSON["dry_run"] == true && dryJSON["steps"]?[0]?["sql"] == .string(StepTests.steps[0].up))

    let some = try await project.run(["up", "--to", "2"])
    #expect(some.exitCode == 0 && some.output.hasSuffix("version 2: 2 steps applied\n"), "\(some.errors)")
    let up = try await project.run(["up", "--json"]).json()
    #expect(
      up["version"] == 3 && up["steps"]?[0]?["name"] == "index" && up["steps"]?[0]?["direction"] == "up")
    #expect(try await project.run(["up"]).output == "nothing to do: version 3\n")
    let status = try await project.run(["status", "--json"]).json()
    #expect(status["version"] == 3 && status["pending"] == 0 && status["steps"]?[2]?["state"] == "applied")
    #expect(status["steps"]?[1]?["applied_by"] != .null && status["steps"]?[1]?["duration_ms"] != .null)
    let text = try await project.run(["status"]).output
    #expect(text.contains("applied at 20") && text.contains(" ms"), "\(text)")

    let verified = try await project.run(["verify"])
    #expect(verified.exitCode == 0, "\(verified.output)\(verified.errors)")
    let down = try await project.run(["down", "--to", "1"])
    #expect(down.exitCode == 0 && down.output.hasSuffix("version 1: 2 steps taken back\n"), "\(down.errors)")
    #expect(try await project.scene.columns("routers") == ["id", "name"])
    let again = try await project.run(["verify", "--json"])
    #expect(try again.exitCode == 0 && again.json()["holds"] == true, "\(again.output)")
  }

  @Test("Ten processes at once go each step once", arguments: SchemaBackend.all)
  func manyProcesses(_ backend: SchemaBackend) async throws {
    let project = try await Project(backend)
    let steps = try await withThrowingTaskGroup(of: [JSON].self) { group in
      for _ in 0..<10 {
        group.addTask {
          let run = try await project.run(["up", "--lock-wait", "120", "--json"])
          #expect(run.exitCode == 0, "\(run.errors)")
          return try run.json()["steps"]?.elements ?? []
        }
      }
      return try await group.reduce(into: []) { $0 += $1 }
    }
    #expect(steps.compactMap { $0["version"]?.int64Value }.sorted() == [1, 2, 3], "\(steps)")
    #expect(try await project.run(["verify"]).exitCode == 0)
  }

  @Test("Verify finds what was changed by hand, and ends with 4", arguments: SchemaBackend.all)
  func drift(_ backend: SchemaBackend) async throws {
    let project = try await Project(backend)
    #expect(try await project.run(["up"]).exitCode == 0)
    // A table of somebody else's is none of our business.
    try await project.scene.execute("CREATE TABLE theirs (a INTEGER)")
    #expect(try await project.run(["verify"]).exitCode == 0)
    try await project.scene.execute(
      "DROP INDEX by_name; ALTER TABLE planners ADD COLUMN extra TEXT; CREATE INDEX besides ON routers (status)"
    )
    let drift = try await project.run(["verify", "--json"])
    #expect(drift.exitCode == 4 && drift.errorLines.count == 2)
    let objects = try drift.json()["differences"]?.elements.compactMap { $0["object"]?.stringValue }
    #expect(
      objects == [
        "table planners column extra", "table routers index besides", "table routers index by_name",
      ])
    let text = try await project.run(["verify"])
    #expect(text.output.contains("table routers index by_name is missing\n"), "\(text.output)")

    try Data("-- edited\n\(StepTests.steps[2].up)".utf8).write(
      to: URL(filePath: project.steps + "/0003_index.up.sql"))
    let edited = try await project.run(["verify"])
    #expect(edited.exitCode == 4 && edited.output.contains("step 3 (index) is edited"), "\(edited.output)")
    let up = try await project.run(["up"])
    #expect(
      up.exitCode == 1 && up.errors.contains("step 3 (index)") && up.errorLines.count == 2, "\(up.errors)")
    #expect(try await project.run(["status"]).output.contains("edited"))
  }

  @Test(
    "Steps that make no schema by themselves cannot be compared, and say so", arguments: SchemaBackend.all)
  func noBeginning(_ backend: SchemaBackend) async throws {
    let project = try await Project(
      backend,
      [Migration(version: 1, name: "more", up: "ALTER TABLE routers ADD COLUMN a INTEGER", down: nil)])
    try await project.scene.execute("CREATE TABLE routers (id INTEGER PRIMARY KEY)")
    #expect(try await project.run(["up"]).exitCode == 0)
    let verify = try await project.run(["verify"])
    #expect(verify.exitCode == 1 && verify.errors.contains("in an empty database"), "\(verify.errors)")
    #expect(verify.errors.contains("CREATE TABLE IF NOT EXISTS"))
    if backend != .sqlite {
      // Other tests verify on this server, too: what is there now has to go in time.
      let there = "SELECT datname FROM pg_database WHERE datname LIKE 'agentbase_scratch%'"
      var left = Set(try await project.scene.rows(there))
      let end = ContinuousClock.now + .seconds(60)
      while !left.isEmpty, ContinuousClock.now < end {
        try await Task.sleep(for: .milliseconds(100))
        left.formIntersection(try await project.scene.rows(there))
      }
      #expect(left.isEmpty)
    }
  }

  @Test("Our own schema: up, verify, down to nothing, and up again", arguments: SchemaBackend.all)
  func own(_ backend: SchemaBackend) async throws {
    let scene = try await MigrationScene(backend)
    let newest = backend == .sqlite ? Schema.sqlite.count : Schema.postgres.count
    func run(_ words: [String]) async throws -> Command {
      try await Command.run(
        ["schema"] + words, in: scene.folder.path, environment: ["DATABASE_URL": scene.name])
    }
    let up = try await run(["up"])
    #expect(up.output.hasSuffix("version \(newest): \(newest) steps applied\n"), "\(up.errors)")
    let verified = try await run(["verify"])
    #expect(verified.exitCode == 0, "\(verified.output)\(verified.errors)")
    let down = try await run(["down", "--to", "0"])
    #expect(down.exitCode == 0, "\(down.errors)")
    let left =
      backend == .sqlite
      ? "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY 1"
      : "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1"
    #expect(try await scene.rows(left) == [["agentbase_schema_audit"], ["agentbase_schema_versions"]])
    #expect(try await run(["up", "--quiet"]).output == "")
    let again = try await run(["verify"])
    #expect(again.exitCode == 0, "\(again.output)\(again.errors)")
  }

  @Test("A folder's faults, a database's and a server's, in two lines and without a password")
  func faults() async throws {
    let project = try await Project(.sqlite)
    try Data().write(to: URL(filePath: project.steps + "/0005_e.up.sql"))
    let gap = try await project.run(["status"])
    #expect(
      gap.exitCode == 1 && gap.errors.contains("step 4 is missing") && gap.errorLines.count == 2,
      "\(gap.errors)")
    let missing = try await Command.run(
      ["schema", "status", "--database", "none.db"], in: project.scene.folder.path)
    #expect(missing.exitCode == 1 && missing.errors.contains("none.db"), "\(missing.errors)")
    #expect(!FileManager.default.fileExists(atPath: project.scene.folder.path + "/none.db"))
    let url = "postgresql://someone:s3cret@127.0.0.1:1/agents"
    let nowhere = try await Command.run(
      ["schema", "up", "--database", url], in: project.scene.folder.path, secret: "s3cret")
    #expect(nowhere.exitCode == 1 && nowhere.errors.contains("cannot connect"), "\(nowhere.errors)")
    let json = try await Command.run(
      ["schema", "up", "--database", url, "--json"], in: project.scene.folder.path, secret: "s3cret")
    #expect(try json.json()["error"]?["exit_code"] == 1)
    let sqliteURL = try await Command.run(
      ["schema", "status", "--database", "sqlite:///\(project.scene.name)"], in: project.scene.folder.path)
    #expect(sqliteURL.output.hasPrefix("version 0 of \(Schema.sqlite.count)"), "\(sqliteURL.errors)")
  }

  @Test(
    "Wrong words are named",
    arguments: [
      (["schema"], "what to do"), (["schema", "go"], "'go'"), (["schema", "up", "now"], "'now'"),
      (["schema", "down"], "--to N"), (["schema", "status", "--to", "1"], "--to"),
      (["schema", "verify", "--dry-run"], "--dry-run"), (["schema", "up", "--to", "-1"], "--to"),
      (["schema", "up", "--scratch", "x"], "--scratch"), (["schema", "up"], "DATABASE_URL"),
      (["schema", "up", "--database", "mysql://x"], "--database"),
      (["schema", "up", "--database", "a.db", "--lock-wait", "0"], "--lock-wait"),
    ])
  func usage(_ words: [String], _ named: String) async throws {
    let folder = try TemporaryFolder("schema")
    let command = try await Command.run(words, in: folder.path)
    #expect(command.exitCode == 2 && command.errors.contains(named), "\(command.errors)")
    #expect(command.errorLines.count <= 2)
  }

  @Test(
    "A runner that is killed in any moment leaves whole steps, and the next one goes on",
    arguments: SchemaBackend.all)
  func killed(_ backend: SchemaBackend) async throws {
    var random = SeededGenerator(seed: SeededGenerator.seed(for: "killed"))
    let fill =
      backend == .sqlite
      ? "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000) INSERT INTO t% SELECT i, i FROM n"
      : "INSERT INTO t% SELECT i, i FROM generate_series(1, 20000) AS i"
    let steps = (1...6).map { version -> Migration in
      let make =
        "CREATE TABLE t\(version) (a INTEGER PRIMARY KEY, b INTEGER); \(fill.replacing("%", with: "\(version)"));"
      guard version.isMultiple(of: 2) else {
        return Migration(version: version, name: "t\(version)", up: make, down: "DROP TABLE t\(version)")
      }
      let odd = "t\(version - 1)"
      return Migration(
        version: version, name: "batch\(version)",
        up: """
          -- agentbase: no-transaction
          -- agentbase: batch
          UPDATE \(odd) SET b = -a WHERE a IN (SELECT a FROM \(odd) WHERE b > 0 LIMIT 2000);
          """, down: nil, checkAfter: "SELECT count(*) = 0 FROM \(odd) WHERE b > 0")
    }
    let project = try await Project(backend, steps)
    var kills = 0
    while kills < 12 {
      let running = try RunningCommand(
        ["schema", "up", "--quiet", "--database", project.scene.name, "--migrations", project.steps],
        in: project.scene.folder.path)
      try await Task.sleep(for: .milliseconds(Int.random(in: 20...200, using: &random)))
      let wasRunning = running.isRunning
      running.signal(SIGKILL)
      _ = await running.ended()
      kills += 1
      // What is there is whole: a table with all of its rows, or none.
      for version in [1, 3, 5] where try await project.scene.columns("t\(version)") != [] {
        #expect(try await project.scene.value("SELECT count(*) FROM t\(version)") == "20000")
      }
      if !wasRunning { break }
    }
    print("killed \(kills) times")
    let end = try await project.run(["up", "--quiet"])
    #expect(end.exitCode == 0, "\(end.errors)")
    let status = try await project.scene.migrator(steps).status()
    #expect(status.steps.map(\.state) == Array(repeating: .applied, count: 6))
    for version in [1, 3, 5] {
      #expect(try await project.scene.value("SELECT count(*) FROM t\(version) WHERE b = -a") == "20000")
    }
    let done = "SELECT count(*) FROM agentbase_migration_audit WHERE state = 'done'"
    #expect(try await project.scene.value(done) == "6")
  }
}
