// Words: how texts are cut, what queries mean, and what is cut off.

import Foundation
import TestSupport
import Testing

@testable import AgentBase

@Suite("Words") struct WordTests {
  private func words(_ text: String) -> [String] {
    MemoryWords(text: text).words.map { $0.map { String(decoding: $0, as: UTF8.self) } ?? "·" }
  }

  @Test("Texts of several scripts are cut into words")
  func scripts() {
    #expect(words("Hello, World! x_1 don't a-b") == ["hello", "world", "x", "1", "don", "t", "a", "b"])
    #expect(
      words("Café CAFE\u{301} ÀÉÎ straße STRASSE ﬁn ＡＢＣ１") == [
        "cafe", "cafe", "aei", "strasse", "strasse", "fin", "abc1",
      ])
    #expect(
      words("Ελλάδα ΟΔΟΣ οδός Ёлка ёлка İstanbul ısı") == [
        "ελλαδα", "οδοσ", "οδοσ", "елка", "елка", "istanbul", "isi",
      ])
    #expect(words("日本語のテスト、東京。") == ["日", "本", "語", "の", "テ", "ス", "ト", "東", "京"])
    #expect(words("ｶﾞ が か\u{3099}") == ["ガ", "が", "が"])
    #expect(words("한국어 텍스트") == ["한", "국", "어", "텍", "스", "트"])
    #expect(words("שָׁלוֹם السَّلام") == ["שלום", "السلام"])
    #expect(words("हिन्दी में") == ["हिन्दी", "में"])
    #expect(words("🧠 ok🚀 © 2024") == ["🧠", "ok", "🚀", "©", "2024"])
    #expect(words("").isEmpty && words("  … — ?!").isEmpty)
  }

  @Test("A value's strings, names and numbers count, and no phrase goes from one into the next")
  func values() {
    func of(_ json: JSON, key: String = "the key") -> [String] {
      MemoryWords(key: key, valueText: json.jsonbText).words.map {
        $0.map { String(decoding: $0, as: UTF8.self) } ?? "·"
      }
    }
    #expect(of("dark mode") == ["the", "key", "·", "dark", "mode"])
    #expect(of("a\nb\t\"c\" \\d \u{1}e \u{7F}f") == ["the", "key", "·", "a", "b", "c", "d", "e", "f"])
    #expect(
      of(["theme": "dark", "n": 3.14, "on": true, "no": nil, "list": ["x y", "z"]])
        == [
          "the", "key", "·", "n", "·", "3", "14", "·", "no", "·", "on", "·", "true", "·", "list", "·", "x",
          "y",
          "·", "z", "·", "theme", "·", "dark",
        ])
    #expect(of(nil) == ["the", "key"])
    #expect(of("null") == ["the", "key", "·", "null"])
    #expect(of(-12) == ["the", "key", "·", "12"])
  }

  @Test("What a tsvector cannot hold is cut off")
  func limits() {
    let many = MemoryWords(
      key: "k", valueText: JSON.string((0..<20_000).map { "w\($0)" }.joined(separator: " ")).jsonbText)
    #expect(many.words.count == MemoryWords.limit)
    #expect(many.bytes.count < 200_000)
    let same = MemoryWords(
      key: "k", valueText: JSON.string(String(repeating: "same other ", count: 400)).jsonbText)
    #expect(same.words.count { $0.map { String(decoding: $0, as: UTF8.self) } == "same" } == 255)
    #expect(same.words.count == 802)
    let long = MemoryWords(text: String(repeating: "é", count: 300) + " " + String(repeating: "語", count: 3))
    #expect(long.words[0]?.count == 255)
    let wide = MemoryWords(text: String(repeating: "ж", count: 300))
    #expect(wide.words[0]?.count == 254)
    let big = MemoryWords(
      key: "k",
      valueText: JSON.string(
        (0..<9000).map { String(repeating: "x", count: 200) + "\($0)" }.joined(separator: " ")
      ).jsonbText)
    #expect(big.bytes.count <= MemoryWords.byteLimit + 300)
  }

  @Test("A long text without spaces takes no longer than its length")
  func longRun() {
    let text = JSON.string(String(repeating: "東京タワー", count: 400_000)).jsonbText
    let clock = ContinuousClock()
    let time = clock.measure {
      #expect(MemoryWords(key: "k", valueText: text).words.count == MemoryWords.limit)
    }
    #expect(time < .seconds(20))
  }

  private func finds(_ query: String, _ text: String) throws -> Bool {
    let query = try WordQuery(query)
    return !query.isEmpty && query.matches(MemoryWords(key: "key", valueText: JSON.string(text).jsonbText))
  }

  @Test("Queries: all words, phrases, alternatives, exclusions, beginnings")
  func queries() throws {
    #expect(try finds("dark mode", "the mode is dark"))
    #expect(try !finds("dark mode", "the mode is light"))
    #expect(try finds("\"is dark\"", "the mode is dark"))
    #expect(try !finds("\"dark is\"", "the mode is dark"))
    #expect(try finds("nothing OR dark", "dark"))
    #expect(try finds("nothing | dark", "dark"))
    #expect(try !finds("dark OR", "light") && finds("dark OR", "dark") && finds("OR dark", "dark"))
    #expect(try finds("or", "this or that"))
    #expect(try !finds("dark -mode", "dark mode") && finds("dark -mode", "dark"))
    #expect(try finds("dark -\"mode dark\"", "dark mode"))
    #expect(try finds("mod*", "modes") && !finds("mod", "modes") && finds("\"dark mo\"*", "dark mode"))
    #expect(try finds("e-mail", "an e-mail") && !finds("e-mail", "mail e"))
    #expect(try finds("東京", "私は東京へ") && !finds("京東", "私は東京へ"))
    #expect(try finds("key", "no"))
    #expect(try !finds("\"key no\"", "no"))
    #expect(try !finds("-dark", "light") && !finds("", "x") && !finds("\" ? \" *", "x"))
    #expect(try finds("\"unclosed phrase", "an unclosed phrase"))
    #expect(try finds("'); DROP TABLE x; -- & | ! <-> : *", "drop table x"))
    #expect(throws: AgentBaseError.self) { try WordQuery(String(repeating: "a ", count: 257)) }
  }

  @Test("A rank counts occurrences and length")
  func ranks() throws {
    func rank(_ query: String, _ text: String) throws -> Float {
      WordRank(try WordQuery(query)).rank(MemoryWords(key: "k", valueText: JSON.string(text).jsonbText))
    }
    #expect(try rank("a", "a a") > rank("a", "a b"))
    #expect(try rank("a", "a b") > rank("a", "a b c d e f"))
    #expect(try rank("a b", "a b c") > rank("a x", "a b c"))
    #expect(try rank("a*", "ab ac") > rank("a*", "ab b"))
    // ts_rank('k:1 a:3,4'::tsvector and the owner's word, 'a', 1) on PostgreSQL.
    #expect(try rank("-x a", "a a") == rank("a", "a a"))
  }
}

@Suite("Vectors") struct VectorMetricTests {
  @Test("Distances are those of pgvector")
  func distances() {
    let (a, b): ([Float], [Float]) = ([1, 2, 3], [4, -5, 6])
    #expect(VectorMetric.innerProduct.distance(a, b) == -12)
    #expect(VectorMetric.euclidean.distance(a, b) == 67.0.squareRoot())
    #expect(VectorMetric.cosine.distance(a, b) == 1 - 12 / (14.0 * 77).squareRoot())
    #expect(VectorMetric.cosine.distance(a, a) == 0)
    #expect(VectorMetric.cosine.distance(a, [0, 0, 0]) == nil)
    #expect(VectorMetric.innerProduct.distance(a, [0, 0, 0]) == 0)
    #expect(VectorMetric.euclidean.distance(a, [3e30, 0, 0]) == nil)
    #expect(VectorMetric.euclidean.distance(a, [1]) == nil)
    let long = (0..<100).map { Float($0) }
    #expect(VectorMetric.innerProduct.distance(long, long) == -328_350)
    #expect(VectorMetric.euclidean.distance(long, long.map { $0 + 1 }) == 10)
  }

  @Test("A place goes through its cursor, and no other text is one")
  func cursors() throws {
    for place in [
      HitPlace(order: -0.1, time: 1_700_000_000_123_456, namespace: "a/ü", key: "k\"\\é🧠"),
      HitPlace(order: 1e-300, time: nil, namespace: "", key: " "),
    ] {
      let cursor = place.cursor("words")
      #expect(cursor.rawValue.utf8.allSatisfy { $0 != 0x2B && $0 != 0x2F && $0 != 0x3D })
      let back = try HitPlace(cursor, "words")
      #expect(back.order == place.order && back.time == place.time && back.key == place.key && back == place)
      #expect(throws: AgentBaseError.self) { try HitPlace(cursor, "cosine") }
    }
    for text in ["", "x", "W10", "!!!!", "WyJ3b3JkcyJd"] {
      #expect(throws: AgentBaseError.self) { try HitPlace(MemoryCursor(rawValue: text), "words") }
    }
  }

  @Test("Fused lists: what both hold comes first")
  func fusion() {
    func hit(_ key: String, _ time: Double) -> PlacedHit {
      let memory = Memory(
        namespace: "", key: key, value: MemoryValue(storedText: "1"), metadata: [:], embedding: nil,
        createdAt: nil,
        updatedAt: Date(timeIntervalSince1970: time), expiresAt: nil, version: 1, isImported: false)
      return PlacedHit(place: HitPlace(order: 0, memory), memory: memory)
    }
    let (a, b, c) = (hit("a", 1), hit("b", 2), hit("c", 3))
    let fused = RankFusion.fuse([[a, b], [c, b]], k: 60)
    #expect(fused.map(\.memory.key) == ["b", "c", "a"])
    #expect(fused[0].place.order == -(1 / 62.0 + 1 / 62.0))
  }
}
