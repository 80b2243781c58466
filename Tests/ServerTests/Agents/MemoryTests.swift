// Memories: what is stored is what is retrieved, on every backend.

import AgentBase
import Foundation
import TestSupport
import Testing

@Suite("Agents: memories") struct MemoryTests {
  struct Preferences: Codable, Equatable, Sendable {
    var theme: String
    var size: Int?
    var tags: [String] = []
    var nested: [String: [Double]] = [:]
  }

  enum Shape: Codable, Equatable, Sendable {
    case point
    case circle(radius: Double)
    case polygon([Int], closed: Bool)
  }

  // MARK: - Values

  @Test("A Codable value comes back", arguments: TestBackend.all)
  func codable(_ backend: TestBackend) async throws {
    try await backend.withAgent { agent in
      let value = Preferences(theme: "dark", size: nil, tags: ["a", "b"], nested: ["x": [0.1, 2, -3e10]])
      try await agent.storeMemory("user:42", value)
      #expect(try await agent.retrieveMemory("user:42", as: Preferences.self) == value)
      try await agent.storeMemory(
        "shapes", [Shape.point, .circle(radius: 0.1), .polygon([1, 2], closed: true)])
      #expect(
        try await agent.retrieveMemory("shapes")
          == [Shape.point, .circle(radius: 0.1), .polygon([1, 2], closed: true)])
    }
  }

  @Test("A key that nobody stored is nil", arguments: TestBackend.all)
  func missing(_ backend: TestBackend) async throws {
    try await backend.withAgent { (agent) async throws in
      #expect(try await agent.retrieveMemory("none", as: Preferences.self) == nil)
      #expect(try await agent.memory("none") == nil)
      #expect(try await agent.retrieveMemory("", as: JSON.self) == nil)
      #expect(try await agent.retrieveMemory("a\0b", as: JSON.self) == nil)
      #expect(try await agent.retrieveMemory("1", as: JSON.self) == nil)
    }
  }

  @Test("The last value replaces the others, of whatever type", arguments: TestBackend.all)
  func replace(_ backend: TestBackend) async throws {
    try await backend.withAgent { agent in
      let values: [JSON] = ["one", 2, ["three": 3], "four", nil, [5], true, "plain text", 8]
      for value in values {
        try await agent.storeMemory("key", value)
        #expect(try await agent.retrieveMemory("key") == value)
      }
      #expect(try await agent.listMemories().memories.count == 1)
    }
  }

  @Test("JSON keeps every digit", arguments: TestBackend.all)
  func exactJSON(_ backend: TestBackend) async throws {
    try await backend.withAgent { agent in
      let texts = [
        "9007199254740993", "1.10", "-123456789012345678901234567890.000000000000000000001", "1e300",
        "0.1", "[1, 1.0, 1.00]", #"{"b": 1, "a": {"c": [null, true, "\u00e9\ud83d\ude42"]}}"#, "{}", "[]",
        #"{"": ""}"#, "5e-324", "-0.5", "100", "1E2",
      ]
      for (number, text) in texts.enumerated() {
        let value = try JSON(parsing: text)
        try await agent.storeMemory("json\(number)", value)
        let back = try #require(try await agent.retrieveMemory("json\(number)", as: JSON.self))
        #expect(back == value, "\(text)")
        #expect(back.jsonbText == value.jsonbText, "\(text)")
      }
    }
  }

  @Test("Text stays text, also where it looks like something else", arguments: TestBackend.all)
  func strings(_ backend: TestBackend) async throws {
    try await backend.withAgent { agent in
      let texts = [
        "", " ", "hello", "42", "4.0", "true", "null", #"{"a": 1}"#, "[1]", #""quoted""#, "line\nline\ttab",
        "\u{1}\u{1F}\u{7F}", #"back\slash \u0041 "quotes""#, "é", "e\u{301}", "🧠👩‍🚀", "مرحبا", "\u{FEFF}bom",
        "\u{FFFE}\u{10FFFF}", "'; DROP TABLE memory; --", "%_%", String(repeating: "ü", count: 10_000), "\\N",
        "2024-01-15 10:30:00", "1e5", "0x10", "NaN", "Infinity", "\u{FFFD}",
      ]
      for (number, text) in texts.enumerated() {
        try await agent.storeMemory("text\(number)", text)
        let back = try #require(try await agent.retrieveMemory("text\(number)", as: String.self))
        #expect(Array(back.utf8) == Array(text.utf8), "\(text.debugDescription)")
        #expect(try await agent.retrieveMemory("text\(number)") == JSON.string(text))
        // Over a value of the other kind, too.
        try await agent.storeMemory("again", 7)
        try await agent.storeMemory("again", text)
        #expect(try await agent.retrieveMemory("again") == JSON.string(text))
      }
    }
  }

  @Test("Numbers keep their value and their kind", arguments: TestBackend.all)
  func numbers(_ backend: TestBackend) async throws {
    try await backend.withAgent { agent in
      for value in [0, 1, -1, Int.max, .min, 1 << 53 + 1] {
        try await agent.storeMemory("n", value)
        #expect(try await agent.retrieveMemory("n") == value)
      }
      try await agent.storeMemory("n", UInt64.max)
      #expect(try await agent.retrieveMemory("n") == UInt64.max)
      for value in [
        0.1, 1, -2.5, .leastNonzeroMagnitude, 1.7976931348623157e308, .pi, 1e21, 123456789.123456789,
      ] {
        try await agent.storeMemory("n", value)
        #expect(try await agent.retrieveMemory("n", as: Double.self)?.bitPattern == value.bitPattern)
      }
      for value in [Double.infinity, -.infinity] {
        try await agent.storeMemory("n", value)
        #expect(try await agent.retrieveMemory("n") == value)
      }
      try await agent.storeMemory("n", Double.nan)
      #expect(try await agent.retrieveMemory("n", as: Double.self)?.isNaN == true)
      try await agent.storeMemory("n", [Float.greatestFiniteMagnitude, .leastNonzeroMagnitude, 0.1])
      #expect(
        try await agent.retrieveMemory("n") == [Float.greatestFiniteMagnitude, .leastNonzeroMagnitude, 0.1])
    }
  }

  @Test("Truth, nothing, bytes, dates, URLs and decimals come back", arguments: TestBackend.all)
  func otherTypes(_ backend: TestBackend) async throws {
    try await backend.withAgent { agent in
      try await agent.storeMemory("bool", true)
      #expect(try await agent.retrieveMemory("bool") == true)
      try await agent.storeMemory("none", Int?.none)
      #expect(try await agent.retrieveMemory("none", as: Int?.self) == .some(nil))
      #expect(try await agent.retrieveMemory("none", as: String?.self) == .some(nil))
      let bytes = Data((0...255).map { UInt8($0) })
      try await agent.storeMemory("bytes", bytes)
      #expect(try await agent.retrieveMemory("bytes") == bytes)
      let date = Date(timeIntervalSinceReferenceDate: 727_000_000.123456)
      try await agent.storeMemory("date", date)
      #expect(try await agent.retrieveMemory("date") == date)
      let decimal = try #require(Decimal(string: "1234567890.0987654321"))
      try await agent.storeMemory("decimal", decimal)
      #expect(try await agent.retrieveMemory("decimal") == decimal)
      let uuid = UUID()
      try await agent.storeMemory("uuid", [uuid: 1])
      #expect(try await agent.retrieveMemory("uuid") == [uuid: 1])
    }
  }

  @Test("JSON inside of a Codable type comes back", arguments: TestBackend.all)
  func nestedJSON(_ backend: TestBackend) async throws {
    struct Holder: Codable, Equatable, Sendable { var extra: JSON }
    try await backend.withAgent { agent in
      let holder = Holder(extra: ["a": [1, 2.5, nil, true, "x"], "b": .integer(Int64.max)])
      try await agent.storeMemory("holder", holder)
      #expect(try await agent.retrieveMemory("holder") == holder)
    }
  }

  @Test("A value that is no string reads as its JSON text", arguments: TestBackend.all)
  func asText(_ backend: TestBackend) async throws {
    try await backend.withAgent { agent in
      try await agent.storeMemory("n", 42)
      #expect(try await agent.retrieveMemory("n", as: String.self) == "42")
      try await agent.storeMemory("o", ["bb": 1, "a": 2])
      #expect(try await agent.retrieveMemory("o", as: String.self) == #"{"a": 2, "bb": 1}"#)
    }
  }

  @Test("A wrong type is an error that names the key and not the value", arguments: TestBackend.all)
  func wrongType(_ backend: TestBackend) async throws {
    try await backend.withAgent { agent in
      try await agent.storeMemory("user", ["theme": "secret", "size": "large"])
      let error = await #expect(throws: AgentBaseError.self) {
        try await agent.retrieveMemory("user", as: Preferences.self)
      }
      #expect(error?.code == .wrongType)
      #expect(error?.key == "user")
      #expect(error?.description.contains("size") == true)
      #expect(error?.description.contains("secret") == false)
      try await agent.storeMemory("nothing", Int?.none)
      let none = await #expect(throws: AgentBaseError.self) {
        try await agent.retrieveMemory("nothing", as: String.self)
      }
      #expect(none?.code == .wrongType)
      #expect(try await agent.memory("user")?.decode(as: [String: String].self)["size"] == "large")
    }
  }

  @Test("Five megabytes come back", arguments: TestBackend.all)
  func large(_ backend: TestBackend) async throws {
    try await backend.withAgent { agent in
      let value = ["text": String(repeating: "0123456789ü", count: 420_000)]
      try await agent.storeMemory("large", value)
      #expect(try await agent.retrieveMemory("large") == value)
    }
  }

  @Test("Random JSON comes back", arguments: TestBackend.all)
  func randomValues(_ backend: TestBackend) async throws {
    let seed = UInt64.random(in: 0 ... .max)
    print("random values on \(backend): seed \(seed)")
    var generator = SeededGenerator(seed: seed)
    try await backend.withAgent { agent in
      for number in 0..<60 {
        let value = RandomJSON.value(depth: 0, using: &generator)
        // Some keys twice, so that values replace others of another kind.
        let key = "random\(number % 40)"
        try await agent.storeMemory(key, value)
        #expect(try await agent.retrieveMemory(key) == value, "seed \(seed), number \(number)")
      }
    }
  }
}

/// JSON by chance.
enum RandomJSON {
  static func value(depth: Int, using generator: inout SeededGenerator) -> JSON {
    switch Int.random(in: 0..<(depth > 3 ? 6 : 9), using: &generator) {
    case 0: return .null
    case 1: return .bool(.random(using: &generator))
    case 2: return .integer(Int64.random(in: .min ... .max, using: &generator))
    case 3: return .real(Double(bitPattern: .random(in: 0 ... .max, using: &generator))) ?? 0
    case 4, 5: return .string(text(using: &generator))
    case 6:
      return .array(
        (0..<Int.random(in: 0..<5, using: &generator)).map { _ in
          value(depth: depth + 1, using: &generator)
        })
    default:
      return .object(
        JSONObject(
          (0..<Int.random(in: 0..<12, using: &generator)).map { _ in
            (name: text(using: &generator), value: value(depth: depth + 1, using: &generator))
          }))
    }
  }

  static func text(using generator: inout SeededGenerator) -> String {
    var text = String.UnicodeScalarView()
    for _ in 0..<Int.random(in: 0..<20, using: &generator) {
      let range: ClosedRange<UInt32> =
        [1...0x7F, 0x20...0x7E, 0x80...0x24F, 0x300...0xD7FF, 0xE000...0x10_FFFF]
        .randomElement(using: &generator) ?? 1...2
      if let scalar = Unicode.Scalar(UInt32.random(in: range, using: &generator)) { text.append(scalar) }
    }
    return String(text)
  }
}
