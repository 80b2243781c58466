// Conditions on values and metadata: what SQL answers is what the library's own rule says.

import AgentBase
import Foundation
import TestSupport
import Testing

@Suite("Agents: conditions") struct MemoryFilterTests {
  @Test("Each condition finds what it says", arguments: TestBackend.all)
  func conditions(_ backend: TestBackend) async throws {
    try await backend.withAgent { agent in
      let values: [(String, JSON, JSONObject)] = [
        ("nine", ["pages": 9, "tags": ["a", "b"], "title": "Grüße"], ["kind": "note"]),
        ("ten", ["pages": 10, "tags": []], ["kind": "note", "draft": .null]),
        ("hundred", ["pages": 100.0, "title": "x'; DROP TABLE agents --"], ["kind": "book"]),
        ("text", "plain", [:]), ("number", 10, ["kind": 1]), ("list", [1, "two", [3]], ["kind": "1"]),
        ("words", ["pages": "10"], ["a.b": ["'\"\\": [1]]]),
      ]
      for (key, value, metadata) in values { try await agent.storeMemory(key, value, metadata: metadata) }
      func found(_ filter: MemoryFilter) async throws -> Set<String> {
        let listed = try await agent.listMemories(in: .all, where: filter).memories.map(\.key)
        let searched = try await agent.searchMemories("", in: .all, where: filter, limit: 50).memories.map(
          \.key)
        #expect(Set(listed) == Set(searched) && listed == listed.sorted())
        return Set(listed)
      }
      #expect(try await found(.metadata("kind") == "note") == ["nine", "ten"])
      #expect(try await found(.value("pages") > 9) == ["ten", "hundred"])
      #expect(try await found(.value("pages") >= 9 && .value("pages") < 100) == ["nine", "ten"])
      #expect(try await found(.value("pages") == 100) == ["hundred"])
      #expect(try await found(.value("pages") <= "2") == ["words"])
      #expect(try await found(.value("pages").isIn([9, "10", JSON.null])) == ["nine", "words"])
      #expect(try await found(.value("pages").isIn([])).isEmpty)
      #expect(try await found(.value("tags").contains("b")) == ["nine"])
      #expect(try await found(.value("title").contains("DROP TABLE")) == ["hundred"])
      #expect(try await found(.value("title").contains("ü")) == ["nine"])
      #expect(try await found(.value().contains("lai")) == ["text"])
      #expect(try await found(.value().contains([3])) == ["list"])
      #expect(try await found(.value("1") == "two") == ["list"])
      #expect(try await found(.value("-1") == [3]) == ["list"])
      #expect(try await found(.metadata("draft").exists) == ["ten"])
      #expect(try await found(.metadata("draft") == JSON.null) == ["ten"])
      #expect(try await found(!.metadata("kind").exists) == ["text", "words"])
      #expect(try await found(.metadata("kind") != "note") == ["hundred", "text", "number", "list", "words"])
      #expect(try await found(.metadata("a.b", "'\"\\", "0") == 1) == ["words"])
      #expect(try await found(.metadata() == [:]) == ["text"])
      #expect(try await found(.value() == 10.0) == ["number"])
      #expect(try await found(.value("a\0") == 1).isEmpty)
      #expect(try await found(.value() == "a\0").isEmpty)
      #expect(try await found(!(.value() == "a\0")).count == values.count)
      #expect(try await found(.and([])).count == values.count)
      #expect(try await found(.or([])).isEmpty)
      #expect(
        try await found(.value("pages") == 9 || !(.value("pages").exists || .metadata("kind").exists))
          == ["nine", "text"])
      // In pages.
      var paged: [String] = []
      for try await memory in agent.memories(in: .all, where: .metadata("kind").exists, pageSize: 1) {
        paged.append(memory.key)
      }
      #expect(paged == ["hundred", "list", "nine", "number", "ten"])
    }
  }

  @Test("Random conditions on random memories", arguments: TestBackend.all)
  func random(_ backend: TestBackend) async throws {
    let seed = SeededGenerator.seed(for: "conditions on \(backend)")
    var generator = SeededGenerator(seed: seed)
    try await backend.withAgent { agent in
      var items: [MemoryItem] = []
      for number in 0..<60 {
        items.append(
          MemoryItem(
            "k\(number)", RandomFilter.json(depth: 0, using: &generator),
            metadata: RandomFilter.object(depth: 1, using: &generator)))
      }
      try await agent.storeMemories(items)
      let memories = try await agent.listMemories(limit: 1000).memories
      #expect(memories.count == items.count)
      for round in 0..<(runsLongTests ? 1500 : 150) {
        let filter = RandomFilter.filter(depth: 0, using: &generator)
        let expected = memories.filter(filter.matches).map(\.key)
        let page = try await agent.listMemories(in: .all, where: filter, limit: 100)
        #expect(page.memories.map(\.key) == expected, "seed \(seed), round \(round): \(filter)")
        if round % 10 == 0 {
          let found = try await agent.searchMemories("K", in: .all, where: filter, limit: 100).memories
          #expect(Set(found.map(\.key)) == Set(expected), "seed \(seed), round \(round): \(filter)")
        }
      }
    }
  }
}

/// Small values, and conditions on them that hold now and then.
enum RandomFilter {
  private static let names = [
    "a", "b", "é", "0", "1", "-1", " 1", "+1", "a b", "01", "", "'", "{a,b}", "1.0",
  ]
  private static let texts = [
    "", "a", "ab", "b", "é", "e\u{301}", "Z", "10", "9", "null", "'", "\\", "\"", "%", "_",
  ]
  private static let numbers: [JSON] =
    [
      0, 1, 1.0, -1, 9, 10, 100, 1.5, -2.5, 1e300, 1e-300, 0.1, 9_007_199_254_740_993, 9_007_199_254_740_992,
    ]
    + ["1.10", "1.1", "123456789012345678901234567890.5"].compactMap(JSONNumber.init(text:)).map(JSON.number)

  static func json(depth: Int, using generator: inout SeededGenerator) -> JSON {
    switch Int.random(in: 0..<(depth > 2 ? 5 : 9), using: &generator) {
    case 0: .null
    case 1: .bool(.random(using: &generator))
    case 2: .string(generator.one(of: texts))
    case 3, 4: generator.one(of: numbers)
    case 5, 6:
      .array(
        (0..<Int.random(in: 0..<4, using: &generator)).map { _ in json(depth: depth + 1, using: &generator) })
    default: .object(object(depth: depth + 1, using: &generator))
    }
  }

  static func object(depth: Int, using generator: inout SeededGenerator) -> JSONObject {
    JSONObject(
      (0..<Int.random(in: 0..<5, using: &generator)).map { _ in
        (name: generator.one(of: names), value: json(depth: depth, using: &generator))
      })
  }

  static func filter(depth: Int, using generator: inout SeededGenerator) -> MemoryFilter {
    let field = field(using: &generator)
    let value = json(depth: 1, using: &generator)
    switch Int.random(in: 0..<(depth > 2 ? 8 : 12), using: &generator) {
    case 0, 1: return field == value
    case 2: return field < value
    case 3: return field <= value
    case 4: return field > value
    case 5: return field >= value
    case 6: return .exists(field)
    case 7:
      return .random(using: &generator)
        ? .contains(field, value)
        : .isIn(field, (0..<3).map { _ in json(depth: 2, using: &generator) })
    case 8: return .not(filter(depth: depth + 1, using: &generator))
    default:
      let parts = (0..<Int.random(in: 0..<4, using: &generator)).map { _ in
        filter(depth: depth + 1, using: &generator)
      }
      return .random(using: &generator) ? .and(parts) : .or(parts)
    }
  }

  private static func field(using generator: inout SeededGenerator) -> MemoryField {
    let (first, second) = (generator.one(of: names), generator.one(of: names))
    switch Int.random(in: 0..<6, using: &generator) {
    case 0: return .value()
    case 1: return .value(first)
    case 2: return .value(first, second)
    case 3: return .metadata()
    case 4: return .metadata(first)
    default: return .metadata(first, second)
    }
  }
}
