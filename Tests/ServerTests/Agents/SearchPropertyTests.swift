// Random memories and random searches: SQLite and Postgres give the same hits in the same order.

import AgentBase
import Foundation
import LegacyImport
import SQLite
import TestSupport
import Testing

@Suite("Agents: random searches") struct SearchPropertyTests {
  /// Words of several scripts, few of them, so that they meet.
  private static let words = [
    "apple", "Apple", "pie", "pies", "piece", "the", "of", "a", "x1", "42", "café", "CAFE\u{301}", "straße",
    "Привет", "мир",
    "ΟΔΟΣ", "東京", "東", "京都", "タワー", "한국", "국어", "สวัสดี", "हिन्दी", "שלום", "🧠", "don't", "e-mail", "3.14", "ﬁn",
  ]

  private static func text(_ generator: inout SeededGenerator, _ most: Int) -> String {
    (0..<Int.random(in: 0...most, using: &generator)).map { _ in generator.one(of: words) }
      .joined(separator: generator.one(of: [" ", ", ", "\n", "\" \\", "/"]))
  }

  private static func value(_ generator: inout SeededGenerator) -> JSON {
    switch Int.random(in: 0..<4, using: &generator) {
    case 0:
      .object(
        JSONObject([
          (name: generator.one(of: words), value: .string(text(&generator, 6))),
          (name: "n", value: .integer(Int.random(in: 0..<5, using: &generator))),
          (name: "list", value: [.string(text(&generator, 3)), true, nil]),
        ]))
    case 1:
      .string(
        String(repeating: generator.one(of: words) + " ", count: Int.random(in: 1...300, using: &generator)))
    default: .string(text(&generator, 20))
    }
  }

  private static func query(_ generator: inout SeededGenerator) -> String {
    (0..<Int.random(in: 1...3, using: &generator)).map { _ in
      let word = generator.one(of: words)
      return switch Int.random(in: 0..<8, using: &generator) {
      case 0: "\"\(word) \(generator.one(of: words))\""
      case 1: "-\(word)"
      case 2: "OR \(word)"
      case 3: "\(word.prefix(Int.random(in: 1...3, using: &generator)))*"
      default: word
      }
    }.joined(separator: " ")
  }

  private static func scope(_ generator: inout SeededGenerator) -> MemoryScope {
    generator.one(of: [.all, .all, .namespace(""), .under("n"), .namespace("n/1"), .under("n/1")])
  }

  private static func line(_ hit: MemoryHit) -> String {
    "\(hit.memory.namespace)|\(hit.memory.key) \(hit.score) \(hit.distance.map { "\($0)" } ?? "-")"
  }

  private func pages(_ page: (MemoryCursor?) async throws -> MemoryHits) async throws -> [String] {
    var lines: [String] = []
    var next: MemoryCursor?
    repeat {
      let found = try await page(next)
      lines += found.hits.map(Self.line)
      next = found.next
    } while next != nil && lines.count < 1000
    return lines
  }

  @Test("Stored memories", arguments: TestServer.versions)
  func stored(_ version: TestServer.Version) async throws {
    let seed = SeededGenerator.seed(for: "random searches")
    var generator = SeededGenerator(seed: seed)
    let backend = TestBackend.direct(version)
    try await TestBackend.sqliteNew.withAgent { sqlite in
      try await backend.withAgent { postgres in
        for number in 0..<150 {
          let key = "\(Self.text(&generator, 2))\(Int.random(in: 0..<120, using: &generator))"
          let namespace = generator.one(of: ["", "n", "n/1", "n/10", "m"])
          if generator.chance(0.1) {
            for agent in [sqlite, postgres] { try await agent.deleteMemory(key, namespace: namespace) }
            continue
          }
          let value = Self.value(&generator)
          let size = generator.one(of: [2, 3, 3, 3, 17])
          let vector =
            generator.chance(0.8)
            ? (0..<size).map { _ in Float(Int.random(in: -3...3, using: &generator)) } : nil
          for agent in [sqlite, postgres] {
            try await agent.storeMemory(
              key, value, namespace: namespace, metadata: ["n": .integer(number % 7)], embedding: vector)
          }
        }
        for _ in 0..<120 {
          let (query, scope) = (Self.query(&generator), Self.scope(&generator))
          let filter: MemoryFilter? = generator.chance(0.3) ? .metadata("n") > 3 : nil
          let limit = generator.one(of: [1, 3, 10, 200])
          var found: [[String]] = []
          for agent in [sqlite, postgres] {
            found.append(
              try await pages {
                try await agent.searchMemories(
                  matching: query, in: scope, where: filter, limit: limit, after: $0)
              })
          }
          #expect(found[0] == found[1], "seed \(seed), \(query) in \(scope), limit \(limit)")
        }
        guard version == .v18 else { return }
        for _ in 0..<60 {
          let scope = Self.scope(&generator)
          let metric = generator.one(of: VectorMetric.allCases)
          let size = generator.one(of: [2, 3, 17])
          var vector = (0..<size).map { _ in Float(Int.random(in: -3...3, using: &generator)) }
          vector[0] = 1
          let limit = generator.one(of: [1, 4, 300])
          let filter: MemoryFilter? = generator.chance(0.3) ? .metadata("n") > 3 : nil
          let wanted = vector
          var found: [[String]] = []
          for agent in [sqlite, postgres] {
            found.append(
              try await pages {
                try await agent.searchMemories(
                  near: wanted, by: metric, in: scope, where: filter, limit: limit, after: $0)
              })
          }
          #expect(found[0] == found[1], "seed \(seed), \(vector) by \(metric) in \(scope), limit \(limit)")
        }
      }
    }
  }

  @Test("Legacy rows before and after the import", arguments: TestServer.versions)
  func imported(_ version: TestServer.Version) async throws {
    let seed = SeededGenerator.seed(for: "random searches of imported rows")
    var generator = SeededGenerator(seed: seed)
    let scene = try await ImportScene(version)
    let path = try scene.folder.file("agents/searched/memory.db")
    let connection = try SQLiteConnection(path: path)
    try connection.executeScript(
      "CREATE TABLE memory (id INTEGER PRIMARY KEY, key TEXT, namespace TEXT, value BLOB, embedding TEXT, timestamp TEXT)"
    )
    for number in 0..<120 {
      let value = Self.value(&generator)
      let vector = (0..<3).map { _ in String(Int.random(in: -3...3, using: &generator)) }.joined(
        separator: ",")
      let stored: SQLiteValue =
        switch Int.random(in: 0..<6, using: &generator) {
        case 0: .integer(42)
        case 1: .blob([0, 255, UInt8(number)])
        case 2: .text(value.jsonbText)
        default: .text(value.stringValue ?? value.jsonbText)
        }
      try connection.execute(
        "INSERT INTO memory (key, namespace, value, embedding, timestamp) VALUES (?, ?, ?, ?, ?)",
        [
          .text("\(Self.text(&generator, 1))\(number % 90)"), generator.chance(0.3) ? "n/1" : .null, stored,
          generator.chance(0.7) ? .text("[\(vector)]") : .null,
          .text("2024-01-15 10:\(10 + number % 50):00"),
        ])
    }
    // Beside them, what the library has stored.
    let before = try await Agent(AgentConfig(name: "searched", memoryBackend: .sqliteFile(path)))
    for number in 0..<40 {
      try await before.storeMemory(
        "own \(number)", Self.value(&generator), namespace: "n", metadata: ["n": .integer(number)],
        embedding: [Float(number % 5), 1, -1])
    }
    let report = try await scene.importAll()
    #expect(report.verification?.differences.isEmpty == true)
    let after = try await Agent(AgentConfig(name: "searched", memoryBackend: .postgres(url: scene.url)))
    for _ in 0..<60 {
      let (query, scope) = (Self.query(&generator), Self.scope(&generator))
      let limit = generator.one(of: [1, 5, 200])
      var found: [[String]] = []
      for agent in [before, after] {
        found.append(
          try await pages {
            try await agent.searchMemories(matching: query, in: scope, limit: limit, after: $0)
          })
      }
      #expect(found[0] == found[1], "seed \(seed), \(query) in \(scope), limit \(limit)")
    }
    if version == .v18 {
      for metric in VectorMetric.allCases {
        var found: [[String]] = []
        for agent in [before, after] {
          found.append(
            try await pages {
              try await agent.searchMemories(near: [1, 2, -1], by: metric, limit: 9, after: $0)
            })
        }
        #expect(found[0] == found[1] && found[0].count > 50, "seed \(seed), \(metric)")
      }
    }
    await before.close()
    await after.close()
  }
}
