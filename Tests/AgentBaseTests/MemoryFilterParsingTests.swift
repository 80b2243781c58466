// Conditions written as text: what they become, and where an error points.

import AgentBase
import Testing

@Suite("Conditions as text") struct MemoryFilterParsingTests {
  static let conditions: [(String, MemoryFilter)] = [
    (
      #"metadata.tier = "gold" and visits >= 10"#,
      .metadata("tier") == "gold" && .value("visits") >= 10
    ),
    (#"visits==1.25"#, .value("visits") == 1.25),
    ("visits < -3", .value("visits") < -3),
    ("value > 490", .value() > 490),
    ("value.metadata.a != null", .value("metadata", "a") != nil),
    ("metadata exists", .metadata().exists),
    ("NOT tags[0] exists", !.value("tags", "0").exists),
    (#"tags[-1] in ["a", 2, [3]]"#, .value("tags", "-1").isIn(["a", 2, [3]])),
    (#"tags contains "a\"]b""#, .value("tags").contains("a\"]b")),
    (#"where.from = {"a": [1, "}"]}"#, .value("where", "from") == ["a": [1, "}"]]),
    (#""odd name"."and" <> true"#, .value("odd name", "and") != true),
    ("größe <= 3", .value("größe") <= 3),
    (
      "a = 1 or b = 2 and c = 3",
      .or([.value("a") == 1, .and([.value("b") == 2, .value("c") == 3])])
    ),
    (
      "(a = 1 or b = 2) and not c = 3",
      .and([.or([.value("a") == 1, .value("b") == 2]), .not(.value("c") == 3)])
    ),
    ("a=1 and b=2 and c=3", .and([.value("a") == 1, .value("b") == 2, .value("c") == 3])),
    ("and-so-on = 1", .value("and-so-on") == 1),
    (
      "value = \"'; DROP TABLE agent_memories; --\"", .value() == "'; DROP TABLE agent_memories; --"
    ),
  ]

  @Test("A text is a condition", arguments: conditions)
  func reads(text: String, filter: MemoryFilter) throws {
    #expect(try MemoryFilter(parsing: text) == filter)
    #expect(try MemoryFilter(parsing: "  \(text)\n") == filter)
  }

  static let faults: [(String, offset: Int, String)] = [
    ("", 0, "a field"),
    ("metadata.tier = and visits >= 10", 16, "a JSON value"),
    ("metadata.tier = 'gold'", 16, "a JSON value"),
    ("metadata.tier gold", 14, "=, !="),
    ("metadata. = 1", 10, "the name of a member"),
    ("a = 1 b = 2", 6, "and, or"),
    ("(a = 1", 6, "a closing parenthesis"),
    ("a = 1)", 5, "and, or"),
    ("a in 1", 5, "a list"),
    ("tags[x] = 1", 5, "the index"),
    ("and = 1", 0, "a field"),
    ("a = \"open", 4, "a JSON value"),
    ("a = [1, 2", 4, "a JSON value"),
    ("a = 1 and", 9, "a field"),
    ("a = 01", 4, "a JSON value"),
    ("größe = ?", 8, "a JSON value"),
  ]

  @Test("An error says what was expected, and where", arguments: faults)
  func refuses(text: String, offset: Int, expected: String) throws {
    let error = try #require(throws: MemoryFilterError.self) { try MemoryFilter(parsing: text) }
    #expect(error.offset == offset && error.expected.contains(expected), "\(error)")
    #expect(error.rest == String(text.dropFirst(offset)))
    #expect(
      error.description.contains(
        error.rest.isEmpty ? "at the end" : "at character \(offset + 1), before"))
  }

  @Test("Nesting has an end")
  func deep() throws {
    let nested = String(repeating: "(", count: 90) + "a = 1" + String(repeating: ")", count: 90)
    #expect(try MemoryFilter(parsing: nested) == (.value("a") == 1))
    for text in [String(repeating: "(", count: 100_000), String(repeating: "not ", count: 100_000)] {
      let error = try #require(throws: MemoryFilterError.self) { try MemoryFilter(parsing: text) }
      #expect(error.expected.contains("100") && error.description.utf8.count < 200)
    }
  }
}
