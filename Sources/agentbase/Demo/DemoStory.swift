// The demo's steps in their order. Each computes what it claims.

internal import AgentBase
internal import DemoFleet
internal import Foundation
internal import LegacyImport
internal import Postgres
internal import PrivateServer

/// The story of a fleet that moves from SQLite to Postgres and back.
struct DemoStory: Sendable {
  let stage: DemoStage
  /// The fleet, as it was made.
  let files: [DemoFile]

  /// Makes the fleet, and a copy of it that nothing touches.
  init(on stage: DemoStage) throws {
    self.stage = stage
    files = try DemoFleet.make(in: stage.agents)
    try FileManager.default.copyItem(atPath: stage.agents, toPath: stage.pristine)
  }

  /// Tells it from the beginning to the end.
  ///
  /// - Throws: what ends it half-way; a step that does not hold is only marked.
  func tell(on page: inout DemoPage) async throws {
    page.title("AgentBase: what old agents know, from SQLite files into Postgres and back")
    try await page.step("Fleet") { try fleet() }
    try await page.step("Server") { try await server() }
    try await page.step("Dry run") { try await dryRun() }
    try await page.step("Import") { try await importFleet() }
    try await page.step("Proof") { try await proof() }
    try await page.step("Both backends") { try await readThroughBoth() }
    try await page.step("Guide 1's record") { try await recordOfTheGuide() }
    try await page.step("Guide 1's queries") { try await queriesOfTheGuide() }
    try await page.step("New memory") { try await storeSomethingNew() }
    try await page.step("Tampering") { try await tamper() }
    try await page.step("Import again") { try await importAgain() }
    try await page.step("Rollback") { try await rollBack() }
    if stage.keeps {
      lookAround(on: page)
    } else {
      try await page.step("Clean-up") { try await cleanUp() }
    }
    let time = page.seconds.formatted(.number.precision(.fractionLength(1)))
    page.title(
      page.heldAll
        ? "Every step held, in \(time) s." : "\(page.failed.counted("step")) did not hold, in \(time) s.")
  }

  // MARK: - The stage

  private func fleet() throws -> DemoFinding {
    let agents = Set(files.flatMap { [$0.agent] + $0.memories.map(\.agent) })
    let memories = files.reduce(0) { $0 + $1.memories.count }
    return DemoFinding(
      holds: try differingFiles().isEmpty && memories > 0,
      claim:
        "\(files.count) SQLite files of \(agents.count) agents, \(rowCount) rows, \(memories) memory keys",
      lines: files.map {
        let rows = String(repeating: " ", count: max(0, 3 - "\($0.rowCount)".count)) + "\($0.rowCount)"
        return DemoPage.columns([$0.relativePath, rows, $0.about], [38, 3])
      },
      facts: [
        "files": .integer(files.count), "agents": .integer(agents.count), "rows": .integer(rowCount),
        "memory_keys": .integer(memories),
      ])
  }

  private func server() async throws -> DemoFinding {
    try await stage.start()
    let version = try await stage.withConnection { $0.serverVersion / 10_000 }
    let vector = stage.server.binaries.hasVector ? "with pgvector" : "without pgvector"
    return DemoFinding(
      holds: version == stage.server.binaries.version && stage.server.isRunning,
      claim: "a private PostgreSQL \(version) \(vector), on a Unix socket",
      facts: ["version": .integer(version), "has_vector": .bool(stage.server.binaries.hasVector)])
  }

  private func cleanUp() async throws -> DemoFinding {
    try await stage.remove()
    let remains = stage.remains
    return DemoFinding(
      holds: remains == nil,
      claim: remains.map { "\($0) is left" } ?? "the server is stopped, its folder and the files are removed")
  }

  private func lookAround(on page: DemoPage) {
    page.line("Kept, as asked. To look around, and to remove it:")
    for command in [
      "psql '\(stage.url)'", "ls -R \(stage.agents) \(stage.restored)",
      "agentbase memory list --agent operational_crawler --backend postgres \\",
      "  --postgres-url '\(stage.url)'",
      "agentbase dev-postgres stop \(stage.server.directory) && rm -r \(stage.root)",
    ] {
      page.line("  " + command)
    }
  }

  // MARK: - What several steps ask

  /// Rows of all ordinary tables of the fleet.
  var rowCount: Int { files.reduce(0) { $0 + $1.rowCount } }

  /// The files below the agents' folder that are not byte for byte what was made there, or that were not made.
  func differingFiles() throws -> [String] {
    let files = FileManager.default
    let now = Set(try files.subpathsOfDirectory(atPath: stage.agents))
    let before = Set(try files.subpathsOfDirectory(atPath: stage.pristine))
    let changed = now.intersection(before).filter {
      !files.contentsEqual(atPath: "\(stage.agents)/\($0)", andPath: "\(stage.pristine)/\($0)")
    }
    // A folder with a changed file in it differs too: the file says enough.
    return now.symmetricDifference(before).union(changed)
      .filter { name in !changed.contains { $0.hasPrefix(name + "/") } }.sorted()
  }
}
