// `agentbase bench search` and the doctor's word on vectors, on few rows: that they measure and tell, not how fast it is.

import AgentBase
import Foundation
import TestSupport
import Testing

@Suite(.serialized) struct SearchBenchTests {
  @Test(.needs(.v18)) func measuresSearches() async throws {
    let folder = try TemporaryFolder("bench-search")
    let run = try await Command.run(
      ["bench", "search", "--rows", "3000", "--dimensions", "16", "--seconds", "1", "--json"],
      in: folder.path,
      environment: ["TMPDIR": folder.path])
    #expect(run.exitCode == 0, "\(run.errors)")
    let json = try run.json()
    guard case .array(let results)? = json["results"] else {
      Issue.record("no results")
      return
    }
    for result in results {
      #expect((result["calls"]?.int64Value ?? 0) > 0, "\(result)")
    }
    let near = results.first { $0["name"] == "near" }
    #expect((near?["figures"]?["recall_at_10"]?.doubleValue ?? 0) >= 0.98, "\(near ?? .null)")
    let filtered = results.first { $0["name"] == "near, 1 %" }
    #expect(filtered?["figures"]?["fewest_found"]?.doubleValue == 10, "\(filtered ?? .null)")
    #expect((near?["speed"]?.doubleValue ?? 0) > 0)
  }

  @Test(.needs(.v18)) func theDoctorNamesAMissingIndex() async throws {
    let url = try await TestServer.freshDatabase(.v18)
    var config = AgentConfig(name: "a", memoryBackend: .postgres(url: url))
    config.embedding = EmbeddingSpace(dimensions: 3)
    let agent = try await Agent(config)
    // In a transaction no index is made.
    try await agent.transaction { try await $0.storeMemory("a", 1, embedding: [1, 2, 3]) }
    let folder = try TemporaryFolder("doctor-search")
    let doctor = { try await Command.run(["doctor", "--postgres-url", url], in: folder.path) }
    let before = try await doctor()
    #expect(before.output.contains("none for vectors of 3 (cosine)"), "\(before.output)")
    #expect(try await agent.prepareVectorSearch())
    #expect(try await !doctor().output.contains("none for vectors"))
    await agent.close()
  }
}
