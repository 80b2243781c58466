// `agentbase bench import` as a user runs it, on few rows: that it measures and cleans up, not how fast it is.

import AgentBase
import Foundation
import TestSupport
import Testing

@testable import agentbase

@Suite(.serialized) struct BenchCommandTests {
  private let folder: TemporaryFolder
  /// All that the command leaves in temporary folders is seen here.
  private var environment: [String: String] { ["TMPDIR": folder.path + "/tmp"] }

  init() throws {
    folder = try TemporaryFolder("bench")
    try FileManager.default.createDirectory(
      atPath: folder.path + "/tmp", withIntermediateDirectories: false, attributes: [.posixPermissions: 0o711]
    )
  }

  private func run(_ words: [String], secret: String? = nil) async throws -> Command {
    try await Command.run(
      ["bench", "import"] + words, in: folder.path, environment: environment, secret: secret)
  }

  private func expectNothingLeft(_ location: SourceLocation = #_sourceLocation) throws {
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: folder.path + "/tmp").isEmpty,
      sourceLocation: location)
  }

  @Test func measuresAllThatIsThereAndGuardsABaseline() async throws {
    let first = try await run(["--rows", "2000", "--json"])
    #expect(first.exitCode == 0 && first.errors.isEmpty, "\(first.errors)")
    try expectNothingLeft()
    let json = try first.json()
    #expect(json["bench"] == "import" && json["rows"] == 6000 && json["reference"] == "psql \\copy")
    guard case .array(let results)? = json["results"] else {
      Issue.record("no results")
      return
    }
    for result in results
    where result["ours"] == true && result["name"] != "copy" || result["name"] == "psql \\copy" {
      #expect(
        (result["seconds"]?.doubleValue ?? 0) > 0 && (result["ratio"]?.doubleValue ?? 0) > 0, "\(result)")
      #expect(
        (result["rows_per_second"]?.int64Value ?? 0) > 0 && (result["cpu_seconds"]?.doubleValue ?? -1) >= 0)
      #expect(result["note"] == .null && (result["server_cpu_seconds"]?.doubleValue ?? -1) >= 0)
    }
    let peak = results.first { $0["name"] == "import" }?["peak_memory_bytes"]?.int64Value ?? 0
    #expect((5_000_000...500_000_000).contains(peak), "\(peak)")
    for result in results {
      #expect(
        result["seconds"] != .null || result["note"]?.stringValue?.contains("not measured") == true,
        "\(result)")
    }

    // Against a run in which ours took no time; and against one in which it took an age.
    for (factor, exitCode) in [(0.01, Int32(1)), (100, 0)] {
      var before = try #require(BenchReport(json))
      for place in before.results.indices where before.results[place].isOurs {
        before.results[place].measurements = before.results[place].measurements.map {
          BenchMeasurement(seconds: $0.seconds * factor)
        }
      }
      try before.json.text.write(
        to: URL(filePath: folder.path + "/baseline.json"), atomically: true, encoding: .utf8)
      let again = try await run(["--rows", "2000", "--baseline", "baseline.json", "--threshold", "50"])
      #expect(again.exitCode == exitCode, "\(again.errors)")
      #expect(again.output.contains("against the baseline, in its ratio"))
      #expect(again.output.contains("6,000 rows on PostgreSQL") && again.output.contains("measured import: "))
      if exitCode == 1 {
        #expect(again.errorLines.count == 2 && again.errors.contains("slower than in the baseline"))
      }
    }
    try expectNothingLeft()
  }

  @Test func aUsersServerAndFileAreLeftAsTheyWere() async throws {
    let agents = try LegacyFolder()
    let database = try await ServerDatabase()
    let file = agents.path + "/research/analyst/data.sqlite"
    let before = try agents.contents()
    let refused = try await run(
      ["--sqlite", file, "--postgres-url", database.urlOfNewUser()], secret: ServerDatabase.oddPassword)
    #expect(refused.exitCode == 1 && refused.errors.contains("may not create databases"), "\(refused.errors)")
    let url = try await database.urlOfNewUser(rights: "ALTER USER ROLE CREATEDB")
    let run = try await run(
      ["--sqlite", file, "--postgres-url", url, "--rounds", "2", "--quiet"],
      secret: ServerDatabase.oddPassword)
    #expect(run.exitCode == 0 && run.output.isEmpty && run.errors.isEmpty, "\(run.errors)")
    #expect(try agents.contents() == before)
    #expect(
      try await database.psql("SELECT count(*) FROM pg_database WHERE datname LIKE 'agentbase_bench%'") == "0"
    )
    #expect(try await database.psql("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == "0")
    try expectNothingLeft()
  }

  @Test(arguments: [SIGINT, SIGKILL])
  func anEndedRunLeavesNothing(signal: Int32) async throws {
    let run = try RunningCommand(
      ["bench", "import", "--rows", "20000"], in: folder.path, environment: environment)
    while run.isRunning, !run.output.contains("measured import: ") {
      try await Task.sleep(for: .milliseconds(50))
    }
    run.signal(signal)
    let ended = await run.ended()
    #expect(ended.exitCode != 0)
    if signal == SIGINT { #expect(ended.errors.contains("interrupted"), "\(ended.errors)") }
    // The watchdog of a killed run needs a moment.
    for _ in 0..<200 {
      if try FileManager.default.contentsOfDirectory(atPath: folder.path + "/tmp").isEmpty { break }
      try await Task.sleep(for: .milliseconds(50))
    }
    try expectNothingLeft()
  }

  @Test func whatCannotBeReadIsToldBeforeAnythingIsMeasured() async throws {
    try "{}".write(to: URL(filePath: folder.path + "/none.json"), atomically: true, encoding: .utf8)
    let other = """
      {"bench": "import", "rows": 7, "reference": "x", "results": []}
      """
    try other.write(to: URL(filePath: folder.path + "/other.json"), atomically: true, encoding: .utf8)
    for (words, names) in [
      (["--baseline", "nowhere.json"], "nowhere.json cannot be read"),
      (["--baseline", "none.json"], "none.json is no benchmark's report"),
      (["--baseline", "other.json", "--rows", "10"], "the baseline measured bench import with 7 rows"),
      (["--sqlite", "nowhere.db"], "no file nowhere.db"), (["--sqlite", "none.json"], "none.json"),
      (["--postgres-url", "postgresql://u:pw-7391@localhost:1/d"], "refused"),
    ] {
      let run = try await run(words, secret: "pw-7391")
      #expect(run.exitCode == 1 && run.output.isEmpty, "\(words) \(run.output)")
      #expect((1...2).contains(run.errorLines.count) && run.errors.contains(names), "\(run.errors)")
    }
    try expectNothingLeft()
  }

  @Test func storesAndReadsAreMeasuredBesidePgbench() async throws {
    let run = try await Command.run(
      ["bench", "memory", "--rows", "500", "--seconds", "1", "--json"], in: folder.path,
      environment: environment)
    #expect(run.exitCode == 0 && run.errors.isEmpty, "\(run.errors)")
    try expectNothingLeft()
    let json = try run.json()
    #expect(json["bench"] == "memory" && json["rows"] == 500)
    let report = try #require(BenchReport(json))
    for result in report.results { #expect((result.median?.calls ?? 0) > 0, "\(result.name)") }
    let reads = try #require(report["read, 1000 tasks"])
    #expect(reads.reference == "pgbench read, 8 clients" && (report.speed(of: reads) ?? 0) > 0)
    guard case .array(let results)? = json["results"] else { return }
    #expect(results.first { $0["name"] == "store, 1000 tasks" }?["goal"]?.doubleValue == 10)
    // Whole batches, and as many rows as were copied.
    for name in ["store, batches of 500", "COPY, 500 rows"] {
      #expect((report[name]?.median?.calls ?? 1) % 500 == 0, "\(name)")
    }
  }
}
