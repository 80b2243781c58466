// What is large or odd: stored exactly, or refused with an error that says why, and the same on every backend.

import AgentBase
import Foundation
import Testing

@Suite("Agents: large and odd values", .serialized) struct BigValueTests {
  /// `AGENTBASE_BIG_MEGABYTES`, such as 100, else few: code without optimization takes seconds for some megabytes.
  private static let megabytes =
    ProcessInfo.processInfo.environment["AGENTBASE_BIG_MEGABYTES"].flatMap { Int($0) } ?? 2

  @Test("A value of many megabytes comes back byte for byte", arguments: TestBackend.all)
  func megabytes(_ backend: TestBackend) async throws {
    try await backend.withAgent { agent in
      var value = ""
      let line = "ä\u{1}\"\\\u{2028}😀 0123456789abcdefghijklmnopqrstuvwxyz\n"
      value.reserveCapacity(Self.megabytes * 1_000_000 + 100)
      while value.utf8.count < Self.megabytes * 1_000_000 { value += line }
      try await agent.storeMemory("large", value)
      let read: String? = try await agent.retrieveMemory("large")
      #expect(read?.utf8.count == value.utf8.count && read?.utf8.elementsEqual(value.utf8) == true)
      // Beside others that are under way.
      try await withThrowingTaskGroup(of: Void.self) { group in
        for number in 0..<20 {
          group.addTask {
            try await agent.storeMemory("k\(number)", number)
            let read: Int? = try await agent.retrieveMemory("k\(number)")
            #expect(read == number)
          }
        }
        try await group.waitForAll()
      }
      #expect(try await agent.deleteMemory("large"))
    }
  }

  /// Values of every shape, each of so many bytes.
  private static func shapes(_ bytes: Int) -> [(String, JSON)] {
    [
      ("one run of letters", .string(String(repeating: "é", count: bytes / 2))),
      ("no word", .string(String(repeating: "!\"\\\u{1}", count: bytes / 4))),
      ("Chinese", .string(String(repeating: "漢字，", count: bytes / 9))),
      ("numbers", .array((0..<bytes / 8).map { .integer($0) })),
      (
        "members",
        .object(JSONObject((0..<bytes / 16).map { (name: "name \($0)", value: .array([.integer($0)])) }))
      ),
      ("one word again and again", .array(Array(repeating: ["word": "word"], count: bytes / 16))),
    ]
  }

  @Test(
    "A large value of any shape comes back as it was, and goes with its history", arguments: TestBackend.all)
  func shapes(_ backend: TestBackend) async throws {
    try await backend.withAgent(keepsHistory: true) { agent in
      for (name, value) in Self.shapes(Self.megabytes * 100_000) {
        let start = ContinuousClock.now
        try await agent.storeMemory("large", value)
        let read: JSON? = try await agent.retrieveMemory("large")
        #expect(read == value, "\(name)")
        print("\(backend), \(name): \(ContinuousClock.now - start)")
      }
      let earlier = try await agent.history(of: "large").versions
      #expect(
        earlier.map(\.value.json) == Self.shapes(Self.megabytes * 100_000).dropLast().reversed().map(\.1))
      #expect(try await agent.deleteMemory("large"))
    }
  }

  @Test(
    "A value past the limit is refused before it is sent",
    arguments: TestBackend.all.filter { $0 == .sqliteNew || $0 == .postgres18 })
  func pastTheLimit(_ backend: TestBackend) async throws {
    try await backend.withAgent { agent in
      let value = String(repeating: "x", count: StoredLimits.valueBytes + 1)
      let error = await #expect(throws: AgentBaseError.self) { try await agent.storeMemory("large", value) }
      #expect(error?.code == .invalidValue && error?.message.contains("too large") == true)
      #expect(error?.key == "large")
      let memory = try await agent.memory("large")
      #expect(memory == nil)
    }
  }

  @Test("Keys: 2,600 bytes with their agent's id are kept, 10 KB are refused", arguments: TestBackend.all)
  func keys(_ backend: TestBackend) async throws {
    try await backend.withAgent { agent in
      let longest = String(repeating: "é", count: (StoredLimits.nameBytes - agent.id.utf8.count) / 2)
      try await agent.storeMemory(longest, 1)
      #expect(try await agent.retrieveMemory(longest) == 1)
      for key in [longest + "éé", String(repeating: "k", count: 10_240), "a\0b", ""] {
        let error = await #expect(throws: AgentBaseError.self) { try await agent.storeMemory(key, 1) }
        #expect(error?.code == .invalidName, "\(key.prefix(5))")
        #expect((error?.description.utf8.count ?? 0) < 600)
      }
      for namespace in ["a\0b", String(repeating: "n", count: 10_240)] {
        let error = await #expect(throws: AgentBaseError.self) {
          try await agent.storeMemory("key", 1, namespace: namespace)
        }
        #expect(error?.code == .invalidName)
      }
      // What cannot be there is not found, which is no error.
      #expect(try await agent.retrieveMemory("a\0b", as: Int.self) == nil)
    }
  }

  @Test("Text with a NUL is refused wherever it stands, and as Data it is kept", arguments: TestBackend.all)
  func nul(_ backend: TestBackend) async throws {
    try await backend.withAgent { agent in
      let values: [JSON] = ["a\0b", ["list", "a\0b"], ["key": "a\0b"], ["k\0y": 1]]
      for value in values {
        let error = await #expect(throws: AgentBaseError.self) { try await agent.storeMemory("key", value) }
        #expect(error?.code == .invalidValue && error?.message.contains("NUL") == true)
      }
      let error = await #expect(throws: AgentBaseError.self) {
        try await agent.storeMemory("key", 1, metadata: ["m": "a\0b"])
      }
      #expect(error?.code == .invalidValue)
      let bytes = Data([0, 255, 0, 1, 254])
      try await agent.storeMemory("key", bytes)
      #expect(try await agent.retrieveMemory("key") == bytes)
    }
  }

  @Test(
    "Floating-point numbers: every finite one is exact, the others are told apart", arguments: TestBackend.all
  )
  func floats(_ backend: TestBackend) async throws {
    try await backend.withAgent { agent in
      let finite = [
        0.1, -0.0, .leastNonzeroMagnitude, .greatestFiniteMagnitude, 1.0 / 3, 9_007_199_254_740_992, .pi,
      ]
      try await agent.storeMemory("finite", finite)
      let read: [Double] = try #require(try await agent.retrieveMemory("finite"))
      #expect(read == finite)
      for value in [Double.nan, .infinity, -.infinity] {
        try await agent.storeMemory("odd", value)
        let read: Double = try #require(try await agent.retrieveMemory("odd"))
        #expect(read == value || read.isNaN && value.isNaN)
      }
      for numbers in [[Float.nan], [1, .infinity], [-.infinity], []] as [[Float]] {
        let error = await #expect(throws: AgentBaseError.self) {
          try await agent.storeMemory("vector", 1, embedding: numbers)
        }
        #expect(error?.code == .invalidValue)
      }
      #expect(try await agent.memory("vector") == nil)
    }
  }

  @Test("Embeddings: 10,000 dimensions bit for bit, 16,001 refused", arguments: TestBackend.all)
  func dimensions(_ backend: TestBackend) async throws {
    try await backend.withAgent { agent in
      let vector = (0..<10_000).map { Float($0) * 0.1 - 77.7 }
      try await agent.storeMemory("vector", "text", embedding: vector)
      let read = try #require(try await agent.memory("vector")?.embedding)
      #expect(read.map(\.bitPattern) == vector.map(\.bitPattern))
      let error = await #expect(throws: AgentBaseError.self) {
        try await agent.storeMemory("wide", 1, embedding: Array(repeating: 1, count: 16_001))
      }
      #expect(
        error?.code == .invalidValue && error?.message.contains("16001") == true,
        "\(String(describing: error))")
    }
  }

  @Test("Depth and digits: 200 levels and 4,000 digits, or a clear refusal", arguments: TestBackend.all)
  func deepAndLong(_ backend: TestBackend) async throws {
    try await backend.withAgent { agent in
      var nested: JSON = 1
      for _ in 0..<200 { nested = [nested] }
      try await agent.storeMemory("nested", nested)
      #expect(try await agent.retrieveMemory("nested") == nested)
      let digits = try JSON(parsing: "0." + String(repeating: "123456789", count: 450))
      try await agent.storeMemory("digits", digits)
      #expect(try await agent.retrieveMemory("digits") == digits)
    }
  }
}
