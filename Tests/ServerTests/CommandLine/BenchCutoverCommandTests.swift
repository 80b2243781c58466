// `agentbase bench cutover` as a user runs it, for a moment: that it measures and cleans up, not how fast it is.

import AgentBase
import Foundation
import TestSupport
import Testing

@Suite struct BenchCutoverCommandTests {
  @Test func measuresBothDirections() async throws {
    let folder = try TemporaryFolder("bench-cutover")
    let command = try await Command.run(
      ["bench", "cutover", "--rows", "50", "--seconds", "0.05", "--json"], in: folder.path,
      environment: ["TMPDIR": folder.path])
    #expect(command.exitCode == 0 && command.errors.isEmpty, "\(command.errors)")
    let json = try command.json()
    #expect(json["bench"] == "cutover" && json["rows"] == 50)
    guard case .array(let results)? = json["results"] else {
      Issue.record("no results")
      return
    }
    #expect(results.count == 14)
    for result in results { #expect((result["calls_per_second"]?.doubleValue ?? 0) > 0, "\(result)") }
    for side in ["file", "Postgres"] {
      for kind in ["carried", "held back"] {
        let result = results.first { $0["name"]?.stringValue == "ours \(side), \(kind): one caller" }
        #expect(
          result?["reference"]?.stringValue == "\(side): one caller" && result?["goal"]?.doubleValue == 0.8)
        #expect(result?["server_cpu_seconds"]?.doubleValue != nil)
      }
    }
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).isEmpty)
  }
}
