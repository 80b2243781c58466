// SQLite's deprecation: Swift's own mark, and one line of the log a process.

import AgentBase
import Foundation
import TestSupport
import Testing

@Suite("Deprecation of SQLite") struct DeprecationTests {
  @Test("The log says it once a process, on standard error")
  func once() async {
    let result = await #expect(
      processExitsWith: .success, observing: [\.standardErrorContent, \.standardOutputContent]
    ) {
      try await TemporaryFolder.with { folder in
        for number in 0..<3 {
          let agent = try await Agent(
            AgentConfig(name: "a\(number)", memoryBackend: .sqliteFile(try folder.file("\(number % 2).db"))))
          try await agent.storeMemory("key", number)
          await agent.close()
        }
      }
    }
    let log = String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
    #expect(log.components(separatedBy: "deprecated").count == 2, "\(log)")
    #expect(log.contains("agentbase import"))
  }
}
