// `agentbase bench sqlite` as a user runs it, for a moment: that it measures and cleans up, not how fast it is.

import AgentBase
import Foundation
import TestSupport
import Testing

@Suite struct BenchSQLiteCommandTests {
  @Test func measuresOursBesideABareLoop() async throws {
    let folder = try TemporaryFolder("bench-sqlite")
    let command = try await Command.run(
      ["bench", "sqlite", "--rows", "50", "--seconds", "0.05", "--json"], in: folder.path,
      environment: ["TMPDIR": folder.path])
    #expect(command.exitCode == 0 && command.errors.isEmpty, "\(command.errors)")
    let json = try command.json()
    #expect(json["bench"] == "sqlite" && json["rows"] == 50)
    guard case .array(let results)? = json["results"] else {
      Issue.record("no results")
      return
    }
    for result in results { #expect((result["calls_per_second"]?.doubleValue ?? 0) > 0, "\(result)") }
    for (name, reference, goal) in [
      ("ours store", "raw store", 0.9), ("ours read", "raw read", 0.8),
      ("ours stores of 1,000 tasks", "ours store", 20),
    ] {
      let result = results.first { $0["name"]?.stringValue == name }
      #expect(result?["reference"]?.stringValue == reference && result?["goal"]?.doubleValue == goal)
      #expect((result?["speed"]?.doubleValue ?? 0) > 0)
    }
    let idle = results.first { $0["name"] == "idle agents of one file" }?["figures"]
    #expect((idle?["bytes an agent"]?.doubleValue ?? 1e9) < 50_000)
    #expect(idle?["descriptors an agent"]?.doubleValue == 0)
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).isEmpty)
  }
}
