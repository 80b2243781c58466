// Searching by vectors, and by both: on every backend that has vectors.

import AgentBase
import Foundation
import Postgres
import Synchronization
import TestSupport
import Testing

extension TestBackend {
  /// Those that can compare vectors.
  static let withVectors = all.filter { $0 != .postgres15 }
}

@Suite("Agents: searching by vectors") struct VectorSearchTests {
  private func keys(_ hits: MemoryHits) -> [String] { hits.hits.map(\.memory.key) }

  @Test("The nearest come first, by each metric", arguments: TestBackend.withVectors)
  func metrics(_ backend: TestBackend) async throws {
    try await backend.withAgent { agent in
      for (key, vector) in [
        ("near", [1, 1, 0]), ("far", [0, 0, 9]), ("long", [10, 10, 0]), ("opposite", [-1, -1, 0]),
        ("zero", [0, 0, 0]),
      ] as [(String, [Float])] {
        try await agent.storeMemory(key, key, embedding: vector)
      }
      try await agent.storeMemory("other", 1, embedding: [1, 1])
      try await agent.storeMemory("none", 1)
      let cosine = try await agent.searchMemories(near: [1, 0, 0])
      #expect(keys(cosine) == ["long", "near", "far", "opposite"])
      #expect(abs((cosine.hits[0].distance ?? 9) - (1 - 0.5.squareRoot())) < 1e-7)
      #expect(cosine.hits[2].score == 0 && cosine.hits[2].distance == 1)
      let product = try await agent.searchMemories(near: [1, 0, 0], by: .innerProduct)
      #expect(keys(product) == ["long", "near", "zero", "far", "opposite"])
      #expect(product.hits.map(\.score) == [10, 1, 0, 0, -1])
      let euclidean = try await agent.searchMemories(near: [1, 0, 0], by: .euclidean, limit: 3)
      // Of equal distances the newest comes first.
      #expect(keys(euclidean) == ["zero", "near", "opposite"])
      #expect(euclidean.hits[0].distance == 1 && euclidean.hits[0].score == 0.5)
      #expect(try await keys(agent.searchMemories(near: [5, 5])) == ["other"])
      #expect(try await keys(agent.searchMemories(near: [1, 2, 3, 4])).isEmpty)
      for wrong in [[], [.nan], [.infinity, 1], [0, 0, 0]] as [[Float]] {
        let error = await #expect(throws: AgentBaseError.self) {
          _ = try await agent.searchMemories(near: wrong)
        }
        #expect(error?.code == .invalidValue)
      }
      #expect(try await agent.searchMemories(near: [0, 0, 0], by: .euclidean).hits.count == 5)
    }
  }

  @Test("Pages, scopes and filters: all k where k exist", arguments: TestBackend.withVectors)
  func conditions(_ backend: TestBackend) async throws {
    try await backend.withAgent { agent in
      var generator = SeededGenerator(seed: SeededGenerator.seed(for: "vector pages"))
      try await agent.storeMemories(
        (0..<300).map { number in
          MemoryItem(
            "k\(number)", number, namespace: "n\(number % 3)", metadata: ["rare": .bool(number % 50 == 0)],
            embedding: (0..<4).map { _ in Float(Int.random(in: -3...3, using: &generator)) + 0.5 })
        })
      let all = try await agent.searchMemories(near: [1, 2, 3, 4], limit: 1000)
      #expect(all.hits.count == 300 && all.next == nil)
      #expect(all.hits.map { $0.distance ?? 9 } == all.hits.map { $0.distance ?? 9 }.sorted())
      var paged: [String] = []
      var next: MemoryCursor?
      repeat {
        let page = try await agent.searchMemories(near: [1, 2, 3, 4], limit: 37, after: next)
        paged += keys(page)
        next = page.next
      } while next != nil
      #expect(paged == keys(all))
      var sequence: [String] = []
      for try await hit in agent.memories(near: [1, 2, 3, 4], in: .namespace("n1"), pageSize: 30) {
        sequence.append(hit.memory.key)
      }
      #expect(sequence == all.hits.filter { $0.memory.namespace == "n1" }.map(\.memory.key))
      let rare = try await agent.searchMemories(
        near: [1, 2, 3, 4], where: .metadata("rare") == true, limit: 6)
      #expect(keys(rare) == all.hits.filter { $0.memory.metadata["rare"] == true }.map(\.memory.key))
      let error = await #expect(throws: AgentBaseError.self) {
        _ = try await agent.searchMemories(
          near: [1, 2, 3, 4], by: .euclidean,
          after: rare.next ?? all.hits.first.map { _ in MemoryCursor(rawValue: "x") })
      }
      #expect(error?.code == .invalidValue)
    }
  }

  @Test("Replaced, deleted and expired ones are not found", arguments: TestBackend.withVectors)
  func changes(_ backend: TestBackend) async throws {
    try await backend.withAgent { agent in
      for key in ["a", "b", "c", "d"] { try await agent.storeMemory(key, key, embedding: [1, 0]) }
      try await agent.storeMemory("a", "without")
      try await agent.deleteMemory("b")
      try await agent.storeMemory("c", "c", embedding: [1, 0], expiresIn: .microseconds(1))
      #expect(try await keys(agent.searchMemories(near: [1, 0])) == ["d"])
    }
  }

  @Test("Without pgvector an error names it", .needs(.v15))
  func missing() async throws {
    try await TestBackend.postgres15.withAgent { agent in
      try await agent.storeMemory("a", 1, embedding: [1, 2])
      #expect(try await agent.memory("a")?.embedding == [1, 2])
      let error = await #expect(throws: AgentBaseError.self) {
        _ = try await agent.searchMemories(near: [1, 2])
      }
      #expect(error?.code == .missingExtension && error?.description.contains("pgvector") == true)
    }
  }

  // MARK: - Spaces

  private func agent(
    _ place: TestBackend.Place, _ space: EmbeddingSpace?, _ others: [String: EmbeddingSpace] = [:]
  ) async throws -> Agent {
    var config = try await place.config()
    config.embedding = space
    config.embeddingByNamespace = others
    return try await Agent(config)
  }

  @Test("A space holds one number of dimensions, for every process", arguments: TestBackend.withVectors)
  func spaces(_ backend: TestBackend) async throws {
    try await backend.withPlace { place in
      let first = try await agent(
        place, EmbeddingSpace(dimensions: 3), ["deep": EmbeddingSpace(dimensions: 2, metric: .euclidean)])
      try await first.storeMemory("a", 1, embedding: [1, 2, 3])
      try await first.storeMemory("b", 1, namespace: "deep/er", embedding: [1, 2])
      let plain = try await agent(place, nil)
      for agent in [first, plain] {
        for (namespace, wrong) in [("", [1, 2]), ("deep", [1, 2, 3]), ("deeper", [1, 2])]
          as [(String, [Float])]
        {
          let error = await #expect(throws: AgentBaseError.self) {
            try await agent.storeMemory("wrong", 1, namespace: namespace, embedding: wrong)
          }
          #expect(error?.code == .wrongDimensions && error?.advice?.contains("changeEmbedding") == true)
          await #expect(throws: AgentBaseError.self) {
            try await agent.storeMemories([MemoryItem("wrong", 1, namespace: namespace, embedding: wrong)])
          }
        }
        #expect(try await agent.memory("wrong") == nil)
        let error = await #expect(throws: AgentBaseError.self) {
          _ = try await agent.searchMemories(near: [1, 2, 3, 4])
        }
        #expect(error?.code == .wrongDimensions)
        #expect(try await keys(agent.searchMemories(near: [1, 2, 3])) == ["a"])
        let deep = try await agent.searchMemories(near: [1, 3], in: .under("deep"))
        // By the space's metric.
        #expect(keys(deep) == ["b"] && deep.hits.first?.distance == 1)
      }
      let other = try await agent(place, EmbeddingSpace(dimensions: 4))
      let error = await #expect(throws: AgentBaseError.self) {
        try await other.storeMemory("c", 1, embedding: [1, 2, 3, 4])
      }
      #expect(error?.code == .wrongDimensions)
      // Without vectors it works.
      try await other.storeMemory("c", 1)
      for agent in [first, plain, other] { await agent.close() }
    }
  }

  @Test("An embedder makes vectors of what is stored and looked for", arguments: TestBackend.withVectors)
  func embedder(_ backend: TestBackend) async throws {
    try await backend.withPlace { place in
      let embedder = LetterEmbedder(dimensions: 26)
      let agent = try await agent(place, EmbeddingSpace(embedder))
      try await agent.storeMemory("fruit", "apple banana")
      try await agent.storeMemories([
        MemoryItem("z", "zzz"), MemoryItem("n", ["word": "xyz"] as JSON), MemoryItem("empty", ""),
      ])
      #expect(try await agent.memory("fruit")?.embedding == embedder.vector("apple banana"))
      #expect(try await agent.memory("empty")?.embedding == nil)
      #expect(embedder.calls == 2)
      #expect(try await keys(agent.searchMemories(near: "banana apple", limit: 1)) == ["fruit"])
      #expect(try await keys(agent.searchMemories(near: "z", limit: 1)) == ["z"])
      let hybrid = try await agent.searchMemories(hybrid: "apple", limit: 2)
      #expect(hybrid.hits.first?.memory.key == "fruit" && hybrid.hits.count == 2)
      // First in both lists.
      #expect(hybrid.hits.first?.score == 2 / 61.0)
      embedder.fail()
      let error = await #expect(throws: AgentBaseError.self) {
        try await agent.storeMemory("x", "secret text")
      }
      #expect(error?.code == .embedding && error?.description.contains("secret") == false)
      await agent.close()
      // Without one, a text is no vector.
      let plain = try await self.agent(place, nil)
      let missing = await #expect(throws: AgentBaseError.self) {
        _ = try await plain.searchMemories(near: "text")
      }
      #expect(missing?.code == .embedding)
      await plain.close()
    }
  }

  @Test("A part of the value is embedded where the space says so", arguments: TestBackend.withVectors)
  func field(_ backend: TestBackend) async throws {
    try await backend.withPlace { place in
      let embedder = LetterEmbedder(dimensions: 26)
      let agent = try await agent(place, EmbeddingSpace(embedder, of: .value("body")))
      try await agent.storeMemory("a", ["title": "zzz", "body": "abc"] as JSON)
      try await agent.storeMemory("b", ["title": "zzz"] as JSON)
      #expect(try await agent.memory("a")?.embedding == embedder.vector("abc"))
      #expect(try await agent.memory("b")?.embedding == nil)
      await agent.close()
    }
  }

  @Test(
    "Changing the embedding is a guided step, and goes on where it was cut off",
    arguments: TestBackend.withVectors)
  func change(_ backend: TestBackend) async throws {
    try await backend.withPlace { place in
      let old = try await agent(place, EmbeddingSpace(LetterEmbedder(dimensions: 10)))
      try await old.storeMemories(
        (0..<57).map { MemoryItem("k\($0)", "text \($0)", namespace: "n\($0 % 4)") })
      await old.close()
      let embedder = LetterEmbedder(dimensions: 26, failsAfter: 3)
      let space = EmbeddingSpace(embedder, metric: .euclidean)
      let new = try await agent(place, space)
      let error = await #expect(throws: AgentBaseError.self) { try await new.storeMemory("late", "text") }
      #expect(error?.code == .wrongDimensions && error?.advice?.contains("changeEmbedding(to:)") == true)
      // Cut off after the third batch.
      embedder.reset()
      await #expect(throws: AgentBaseError.self) { try await new.changeEmbedding(to: space, batchSize: 10) }
      embedder.reset(failsAfter: .max)
      #expect(try await new.searchMemories(near: "text", limit: 100).hits.count == 30)
      try await new.storeMemory("late", "text")
      let seen = Mutex<[Int]>([])
      let changed = try await new.changeEmbedding(to: space, batchSize: 10) { change in
        seen.withLock { $0.append(change.changed) }
      }
      #expect(changed.removed == 0 && changed.changed >= 27 && changed.changed <= 28)
      #expect(seen.withLock { $0.count } == 3)
      let all = try await new.searchMemories(near: "text", limit: 100)
      #expect(all.hits.count == 58 && all.hits.first?.memory.key == "late" && all.hits.first?.distance == 0)
      #expect(try await new.memory("k8", namespace: "n0")?.embedding == embedder.vector("text 8"))
      await new.close()
    }
  }

  // MARK: - Indexes

  @Test("A space has an index; what it does not find is found all the same", .needs(.v18))
  func index() async throws {
    let url = try await TestServer.freshDatabase(.v18)
    var config = AgentConfig(name: "indexed", memoryBackend: .postgres(url: url))
    config.embedding = EmbeddingSpace(dimensions: 8)
    let agent = try await Agent(config)
    var generator = SeededGenerator(seed: SeededGenerator.seed(for: "vector index"))
    func vector() -> [Float] { (0..<8).map { _ in Float.random(in: -1...1, using: &generator) } }
    for part in 0..<10 {
      try await agent.storeMemories(
        (0..<500).map {
          MemoryItem("\(part)/\($0)", $0, metadata: ["rare": .bool($0 == 7)], embedding: vector())
        })
    }
    let connection = try await PostgresConnection.connect(try PostgresConfiguration(url))
    let indexes = try await connection.query(
      "SELECT indexdef FROM pg_indexes WHERE indexname = 'agent_memories_hnsw_8_cosine'")
    #expect(indexes.count == 1)
    try await connection.execute("ANALYZE agent_memories")
    await connection.close()
    #expect(try await agent.prepareVectorSearch())
    let wanted = vector()
    let all = try await agent.searchMemories(near: wanted, limit: 5000)
    #expect(all.hits.count == 5000)
    let few = try await agent.searchMemories(near: wanted, limit: 20)
    let shared = Set(keys(few)).intersection(all.hits.prefix(20).map(\.memory.key))
    #expect(shared.count >= 19)
    let rare = try await agent.searchMemories(near: wanted, where: .metadata("rare") == true, limit: 10)
    #expect(rare.hits.count == 10)
    #expect(Set(keys(rare)) == Set(all.hits.filter { $0.memory.metadata["rare"] == true }.map(\.memory.key)))
    let none = try await agent.searchMemories(near: wanted, where: .metadata("rare") == 3, limit: 10)
    #expect(none.hits.isEmpty)
    // Another agent of the database, with few among many.
    let other = try await Agent(AgentConfig(name: "other", memoryBackend: .postgres(url: url)))
    for number in 0..<12 { try await other.storeMemory("o\(number)", number, embedding: vector()) }
    #expect(try await other.searchMemories(near: wanted, limit: 12).hits.count == 12)
    await other.close()
    await agent.close()
  }

  @Test("Hybrid searches fuse both lists, page by page", arguments: TestBackend.withVectors)
  func hybrid(_ backend: TestBackend) async throws {
    try await backend.withAgent { agent in
      for number in 0..<30 {
        try await agent.storeMemory(
          "k\(number)", number % 3 == 0 ? "apple \(number)" : "pear \(number)",
          embedding: number % 2 == 0 ? [Float(number), 1] : nil)
      }
      let all = try await agent.searchMemories(hybrid: "apple", near: [1, 0], limit: 100)
      // 10 by words, 15 by vectors, 5 by both.
      #expect(all.hits.count == 20 && all.next == nil)
      #expect(all.hits.map(\.score) == all.hits.map(\.score).sorted(by: >))
      #expect(all.hits.count { $0.distance != nil } == 15)
      var paged: [String] = []
      var next: MemoryCursor?
      repeat {
        let page = try await agent.searchMemories(hybrid: "apple", near: [1, 0], limit: 6, after: next)
        paged += keys(page)
        next = page.next
      } while next != nil
      #expect(paged == keys(all))
      let filtered = try await agent.searchMemories(
        hybrid: "apple", near: [1, 0], where: .value() != "apple 6", limit: 100)
      #expect(filtered.hits.count == 19)
    }
  }
}

/// Counts letters: the same vector for the same text, everywhere.
final class LetterEmbedder: Embedder {
  let dimensions: Int
  private let state: Mutex<(calls: Int, failsAfter: Int)>

  init(dimensions: Int, failsAfter: Int = .max) {
    self.dimensions = dimensions
    state = Mutex((0, failsAfter))
  }

  var calls: Int { state.withLock { $0.calls } }
  func fail() { state.withLock { $0.failsAfter = 0 } }
  func reset(failsAfter: Int? = nil) {
    state.withLock { state in
      state.calls = 0
      if let failsAfter { state.failsAfter = failsAfter }
    }
  }

  func vector(_ text: String) -> [Float] {
    var vector = [Float](repeating: 0, count: dimensions)
    for byte in text.lowercased().utf8 where byte >= 97 && byte < 123 {
      vector[Int(byte - 97) % dimensions] += 1
    }
    if vector.allSatisfy({ $0 == 0 }) { vector[0] = 0.5 }
    return vector
  }

  struct Failure: Error {}

  func embed(_ texts: [String]) async throws -> [[Float]] {
    let mayGo = state.withLock { state in
      state.calls += 1
      return state.calls <= state.failsAfter
    }
    guard mayGo else { throw Failure() }
    return texts.map(vector)
  }
}
