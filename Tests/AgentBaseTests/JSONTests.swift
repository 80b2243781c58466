// JSON without loss: what is read is what is written, in jsonb's spelling.

import AgentBase
import Foundation
import Testing

@Suite struct JSONTests {
  @Test(
    arguments: [
      ("1e300", "1" + String(repeating: "0", count: 300)), ("1.50", "1.50"), ("1.5e2", "150"),
      ("1e-5", "0.00001"),
      ("-0", "0"), ("-0.0", "0.0"), ("0.05e1", "0.5"), ("12E+2", "1200"), ("0.5e-3", "0.0005"),
      ("1.0e1", "10"),
      ("9007199254740993", "9007199254740993"),
    ]
  )
  func numbersKeepTheirDigits(text: String, digits: String) throws {
    #expect(try JSON(parsing: text) == .number(#require(JSONNumber(text: digits))))
    #expect(try JSON(parsing: text).text == digits)
  }

  @Test(arguments: ["01", "1.", ".5", "+1", "1e", "1e999999", "--1", "1e5.0", "NaN", "Infinity", ""])
  func whatIsNoNumberIsRefused(text: String) {
    #expect(throws: JSONError.self) { try JSON(parsing: text) }
  }

  @Test(
    arguments: [
      #""""#, #""a""#, #""\n""#, #""a\n""#, #""\na""#, #""a\"b\\c\/d\u00e9é\ud83d\ude00 0123456789\tz""#,
      #"["12345678\n12345678","1234567\n"]"#,
    ]
  )
  func stringsKeepWhatStandsBetweenEscapes(text: String) throws {
    let value = try JSON(parsing: text)
    let decoded = try JSONDecoder().decode(JSON.self, from: Data(text.utf8))
    #expect(value == decoded)
    #expect(try JSON(parsing: value.jsonbText) == value)
  }

  @Test(
    arguments: [
      (#""abc"#, 4), (#""ab\"#, 4), ("\"a\nb\"", 2), (#""\x""#, 3), (#""\u12g4""#, 5), (#"["a" "b"]"#, 5),
    ])
  func faultsInStringsHaveAPlace(text: String, offset: Int) throws {
    let error = #expect(throws: JSONError.self) { try JSON(parsing: text) }
    #expect(error?.offset == offset, "\(String(describing: error))")
  }

  @Test func objectsOfManyMembersAreReadInOneGo() throws {
    let count = 50_000
    let text = "{" + (0..<count).map { #""name \#($0)":\#($0)"# }.joined(separator: ",") + "}"
    let value = try JSONDecoder().decode(JSON.self, from: Data(text.utf8))
    #expect(try value == JSON(parsing: text) && value["name 49999"] == 49_999)
  }

  @Test func realsAlwaysCarryAPoint() {
    for (value, digits) in [
      (5.0, "5.0"), (1e18, "1000000000000000000.0"), (0.1, "0.1"), (-2.5e-7, "-0.00000025"),
    ] {
      #expect(JSONNumber(value)?.digits == digits)
    }
    #expect(JSONNumber(Double.infinity) == nil)
    #expect(JSONNumber(Double.nan) == nil)
  }

  @Test func everyDoubleReadsBackBitForBit() {
    var generator = SystemRandomNumberGenerator()
    for _ in 0..<2000 {
      let value = Double(bitPattern: generator.next())
      guard value.isFinite, let number = JSONNumber(value) else { continue }
      #expect(number.doubleValue == value, "\(value.bitPattern)")
      #expect(!number.isInteger)
    }
  }

  @Test func objectsAreWrittenInTheOrderOfJSONB() throws {
    let value = try JSON(parsing: #"{"bb": 1, "a": [true, null, {"é": "\u00e9\n"}], "B": {}, "bb": 2}"#)
    #expect(value.jsonbText == #"{"B": {}, "a": [true, null, {"é": "é\n"}], "bb": 2}"#)
    #expect(value.text == #"{"bb": 2, "a": [true, null, {"é": "é\n"}], "B": {}}"#)
  }

  @Test func namesAreComparedByBytes() throws {
    let value = try JSON(parsing: "{\"\u{e9}\": 1, \"e\u{301}\": 2}")
    #expect(value["\u{e9}"] == 1)
    #expect(value["e\u{301}"] == 2)
    #expect(JSON.string("\u{e9}") != JSON.string("e\u{301}"))
  }

  @Test func surrogatesAndNULs() throws {
    #expect(try JSON(parsing: #""😀""#) == "😀")
    #expect(try JSON(parsing: #"{"a": ["x\u0000"]}"#).holdsNUL)
    for text in [#""\ud83d""#, #""\ude00""#, #""\ud83dx""#, "\"\u{1}\"", "\"abc"] {
      #expect(throws: JSONError.self) { try JSON(parsing: text) }
    }
  }

  @Test(arguments: ["", "{", "[1,]", "{\"a\" 1}", "[1 2]", "tru", "{\"a\":1,}", "1 2", "{1:2}", "[\"\\x\"]"])
  func malformedTextIsRefusedWithAPlace(text: String) {
    let error = #expect(throws: JSONError.self) { try JSON(parsing: text) }
    #expect(error.map { $0.offset <= text.utf8.count } == true)
  }

  @Test func nestingHasALimit() throws {
    let deep = { (depth: Int) in String(repeating: "[", count: depth) + String(repeating: "]", count: depth) }
    _ = try JSON(parsing: deep(500))
    #expect(throws: JSONError.self) { try JSON(parsing: deep(100_000)) }
  }

  @Test func objectsWithManyMembersKeepTheLastOfEach() {
    let object = JSONObject((0..<100).map { (name: "k\($0 % 50)", value: JSON.integer($0)) })
    #expect(object.members.count == 50)
    #expect(object["k7"] == 57)
  }
}
