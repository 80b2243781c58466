// Random operations on every backend, each answer compared with that of a model in memory.

import AgentBase
import Foundation
import TestSupport
import Testing

@Suite("Agents: random operations") struct MemoryModelTests {
  @Test("Every answer is the model's", arguments: TestBackend.all)
  func operations(_ backend: TestBackend) async throws {
    let seed = SeededGenerator.seed(for: "random operations on \(backend)")
    try await backend.withAgent(keepsHistory: true) { agent in
      var run = ModelRun(agent: agent, seed: seed)
      for step in 0..<(runsLongTests ? 4000 : 250) {
        try await run.step(step)
      }
    }
  }
}

/// A run of random operations.
private struct ModelRun {
  let agent: Agent
  let seed: UInt64
  var generator: SeededGenerator
  var model = MemoryModel()
  var newest: [MemoryModel.Name: Int64] = [:]
  var place = ""

  init(agent: Agent, seed: UInt64) {
    self.agent = agent
    self.seed = seed
    generator = SeededGenerator(seed: seed)
  }

  private static let spaces = ["", "a", "a/b", "a/b/c", "a!", "b"]

  // MARK: - Random things

  private mutating func name() -> MemoryModel.Name {
    MemoryModel.Name(
      space: generator.one(of: Self.spaces), key: "k\(Int.random(in: 0..<5, using: &generator))")
  }

  private mutating func json() -> JSON {
    let word = "Word\(Int.random(in: 0..<6, using: &generator))"
    let number = Int.random(in: 0..<20, using: &generator)
    switch Int.random(in: 0..<4, using: &generator) {
    case 0: return .string("\(word) of \(number)")
    case 1: return .integer(number)
    default: return ["n": .integer(number), "t": .string(word), "l": [.integer(number % 3), .string(word)]]
    }
  }

  private mutating func metadata() -> JSONObject {
    generator.chance(0.5) ? [:] : ["tag": .string(generator.one(of: ["x", "y"]))]
  }

  /// A life that ends at once, one that lasts, or none.
  private mutating func life() -> (duration: Duration?, isExpired: Bool) {
    switch Int.random(in: 0..<8, using: &generator) {
    case 0: (.microseconds(1), true)
    case 1: (.seconds(5000), false)
    default: (nil, false)
    }
  }

  // MARK: - Steps

  mutating func step(_ number: Int) async throws {
    let choice = Int.random(in: 0..<24, using: &generator)
    place = "AGENTBASE_SEED=\(seed), step \(number), choice \(choice)"
    switch choice {
    case 0...4: try await store()
    case 5, 6: try await storeMany()
    case 7...9: try await compareAndSet()
    case 10, 11: try await delete()
    case 12: try await deleteMany()
    case 13...15: try await list()
    case 16, 17: try await search()
    case 18, 19: try await history()
    case 20: try await restore()
    case 21: try await namespaces()
    case 22: try await sweep()
    default: try await read()
    }
  }

  private mutating func stored(
    _ name: MemoryModel.Name, _ json: JSON, _ metadata: JSONObject, _ version: Int64, isExpired: Bool
  ) {
    #expect(version > newest[name] ?? 0, "\(place)")
    newest[name] = version
    model.store(
      MemoryModel.Value(json: json, metadata: metadata, version: version), under: name, isExpired: isExpired)
  }

  /// What lives for a microsecond is gone when this has ended.
  private func pass(_ isExpired: Bool) async throws {
    if isExpired { try await Task.sleep(for: .milliseconds(2)) }
  }

  private mutating func store() async throws {
    let (name, json, metadata, life) = (name(), json(), metadata(), life())
    let version = try await agent.storeMemory(
      name.key, json, namespace: name.space, metadata: metadata, expiresIn: life.duration)
    stored(name, json, metadata, version, isExpired: life.isExpired)
    try await pass(life.isExpired)
  }

  private mutating func storeMany() async throws {
    var batch: [(MemoryModel.Name, JSON, JSONObject)] = []
    for _ in 0..<Int.random(in: 1..<8, using: &generator) { batch.append((name(), json(), metadata())) }
    try await agent.storeMemories(
      batch.map { MemoryItem($0.0.key, $0.1, namespace: $0.0.space, metadata: $0.2) })
    var last: [MemoryModel.Name: (JSON, JSONObject)] = [:]
    for (name, json, metadata) in batch { last[name] = (json, metadata) }
    for (name, value) in last {
      let memory = try await agent.memory(name.key, namespace: name.space)
      stored(name, value.0, value.1, try #require(memory?.version, "\(place)"), isExpired: false)
    }
  }

  private mutating func compareAndSet() async throws {
    let (name, json, metadata, life) = (name(), json(), metadata(), life())
    let current = model.alive[name]?.version
    let expected: MemoryExpectation =
      switch Int.random(in: 0..<4, using: &generator) {
      case 0: .absent
      case 1: .version(newest[name].map { $0 - 1 } ?? 5)
      default: current.map { .version($0) } ?? .absent
      }
    let isMet = expected == (current.map { .version($0) } ?? .absent)
    do {
      let version = try await agent.storeMemory(
        name.key, json, namespace: name.space, metadata: metadata, expiresIn: life.duration,
        expecting: expected)
      #expect(isMet, "\(place)")
      stored(name, json, metadata, version, isExpired: life.isExpired)
      try await pass(life.isExpired)
    } catch let error as AgentBaseError {
      #expect(
        !isMet && error.code == .conflict && error.conflict?.current?.version == current, "\(place): \(error)"
      )
    }
  }

  private mutating func delete() async throws {
    let (name, keeps) = (name(), Bool.random(using: &generator))
    let wasThere = try await agent.deleteMemory(name.key, namespace: name.space, keepingHistory: keeps)
    #expect(wasThere == model.delete(name, keepingHistory: keeps), "\(place)")
  }

  private mutating func deleteMany() async throws {
    let space = generator.one(of: Self.spaces)
    let names = (0..<3).map { _ in MemoryModel.Name(space: space, key: name().key) }
    let count = try await agent.deleteMemories(keys: names.map(\.key), namespace: space)
    var expected = 0
    for name in Set(names) where model.delete(name, keepingHistory: false) { expected += 1 }
    #expect(count == expected, "\(place)")
  }

  // MARK: - Questions

  private func expect(_ memories: [Memory], _ names: [MemoryModel.Name]) {
    #expect(memories.map { MemoryModel.Name(space: $0.namespace, key: $0.key) } == names, "\(place)")
    for memory in memories {
      let value = model.alive[MemoryModel.Name(space: memory.namespace, key: memory.key)]
      #expect(memory.value.json == value?.json && memory.metadata == value?.metadata, "\(place)")
      #expect(memory.version == value?.version, "\(place)")
    }
  }

  private mutating func scope() -> (MemoryScope, (String) -> Bool) {
    let space = generator.one(of: Self.spaces)
    return switch Int.random(in: 0..<3, using: &generator) {
    case 0: (.all, { _ in true })
    case 1: (.namespace(space), { $0 == space })
    default: (.under(space), { $0 == space || (!space.isEmpty && $0.hasPrefix(space + "/")) })
    }
  }

  private mutating func filter() -> (MemoryFilter?, (MemoryModel.Value) -> Bool) {
    let number = Int.random(in: 0..<20, using: &generator)
    let n = { (value: MemoryModel.Value) -> Int? in
      guard case .number(let number)? = value.json["n"] else { return nil }
      return Int(number.digits)
    }
    switch Int.random(in: 0..<6, using: &generator) {
    case 0: return (.value("n") > .integer(number), { n($0).map { $0 > number } ?? false })
    case 1: return (!(.value("n") <= .integer(number)), { n($0).map { $0 > number } ?? true })
    case 2: return (.metadata("tag") == "x", { $0.metadata["tag"] == "x" })
    case 3:
      return (
        .value("l").contains("Word1") || .metadata("tag").exists,
        { $0.json["t"] == "Word1" || $0.metadata["tag"] != nil }
      )
    default: return (nil, { _ in true })
    }
  }

  private mutating func list() async throws {
    let ((scope, isIn), (filter, matches)) = (scope(), filter())
    let prefix = generator.chance(0.3) ? "k\(Int.random(in: 0..<5, using: &generator))" : ""
    let expected = model.alive.filter { name, value in
      isIn(name.space) && name.key.hasPrefix(prefix) && matches(value)
    }.keys.sorted()
    var memories: [Memory] = []
    for try await memory in agent.memories(
      in: scope, prefix: prefix, where: filter, pageSize: Int.random(in: 1..<12, using: &generator))
    {
      memories.append(memory)
    }
    expect(memories, expected)
  }

  private mutating func search() async throws {
    let ((scope, isIn), (filter, matches)) = (scope(), filter())
    let word = "wORD\(Int.random(in: 0..<6, using: &generator))"
    let expected = model.alive.filter { name, value in
      isIn(name.space) && value.json.text.lowercased().contains(word.lowercased()) && matches(value)
    }
    var found: [Memory] = []
    for try await memory in agent.memories(
      holding: word, in: scope, where: filter, pageSize: Int.random(in: 1..<12, using: &generator))
    {
      found.append(memory)
    }
    let places = found.map {
      (time: $0.updatedAt ?? .distantPast, name: MemoryModel.Name(space: $0.namespace, key: $0.key))
    }
    for (first, second) in zip(places, places.dropFirst()) {
      #expect(first.time > second.time || (first.time == second.time && first.name < second.name), "\(place)")
    }
    let sorted = found.sorted { ($0.namespace, $0.key) < ($1.namespace, $1.key) }
    expect(sorted, expected.keys.sorted())
  }

  private mutating func history() async throws {
    let name = name()
    var versions: [MemoryVersion] = []
    var cursor: MemoryCursor?
    repeat {
      let part = try await agent.history(
        of: name.key, namespace: name.space, limit: Int.random(in: 1..<8, using: &generator), after: cursor)
      versions += part.versions
      cursor = part.cursor
    } while cursor != nil
    let expected = model.history(name)
    #expect(versions.map(\.version) == expected.map(\.version), "\(place)")
    #expect(versions.map(\.value.json) == expected.map(\.json), "\(place)")
    #expect(versions.map(\.metadata) == expected.map(\.metadata), "\(place)")
  }

  private mutating func restore() async throws {
    let name = name()
    guard let old = model.history(name).randomElement(using: &generator) else { return }
    let version = try await agent.restoreMemory(name.key, namespace: name.space, version: old.version)
    stored(name, old.json, old.metadata, version, isExpired: false)
  }

  private mutating func namespaces() async throws {
    let depth = generator.chance(0.5) ? nil : Int.random(in: 1..<4, using: &generator)
    var counts: [String: Int] = [:]
    for name in model.alive.keys {
      let parts = name.space.split(separator: "/", omittingEmptySubsequences: false)
      counts[parts.prefix(depth ?? parts.count).joined(separator: "/"), default: 0] += 1
    }
    let found = try await agent.namespaces(maxDepth: depth)
    #expect(found.map(\.name) == counts.keys.sorted(), "\(place)")
    #expect(found.map(\.count) == counts.sorted { $0.key < $1.key }.map(\.value), "\(place)")
  }

  private mutating func sweep() async throws {
    let count = try await agent.sweepExpiredMemories(batchSize: Int.random(in: 1..<5, using: &generator))
    let expired = model.entries.filter(\.value.isExpired).keys
    #expect(count == expired.count, "\(place)")
    for name in expired { _ = model.delete(name, keepingHistory: false) }
  }

  private mutating func read() async throws {
    let space = generator.one(of: Self.spaces)
    let names = (0..<5).map { MemoryModel.Name(space: space, key: "k\($0)") }
    let values = try await agent.retrieveMemories(keys: names.map(\.key), as: JSON.self, namespace: space)
    #expect(values == names.map { model.alive[$0]?.json }, "\(place)")
    let memories = try await agent.memories(keys: names.map(\.key), namespace: space)
    #expect(memories.map { $0?.version } == names.map { model.alive[$0]?.version }, "\(place)")
    for name in names {
      let value = try await agent.retrieveMemory(
        name.key, as: JSON.self, namespace: space, refreshing: .random(using: &generator))
      #expect(value == model.alive[name]?.json, "\(place)")
    }
  }
}
