// Codable values become JSON and come back as Foundation's own coders would have it.

import Foundation
import TestSupport
import Testing

@testable import AgentBase

@Suite struct CodableTests {
  /// A value with a part of every kind.
  struct Everything: Codable, Equatable, Sendable {
    enum State: Codable, Equatable {
      case idle
      case busy(task: String, Int)
      case failed(code: Int?)
    }
    struct Point: Codable, Equatable { var x: Double, y: Float, label: String? }

    var flag = true
    var text = "quote \" back\\slash \n \u{1F600} é"
    var small: Int8 = -128
    var large = UInt64.max
    var huge = Int128.max
    var real = 0.1
    var whole = 5.0
    var tiny = 1e-300
    var short: Float = 3.14
    var missing: Int?
    var present: Int? = 0
    var numbers = [1, -2, 3]
    var reals: [Double] = [1, 1.5, -2.25e10]
    var holes: [String?] = ["a", nil, "b"]
    var names = ["b": 1, "a": 2, "": 3]
    var counts = [1: "one", -2: "minus two"]
    var states: [State] = [.idle, .busy(task: "crawl", 3), .failed(code: nil)]
    var points = [Point(x: 1, y: 2, label: nil), Point(x: -0.5, y: 0, label: "p")]
    var grid = [[1], [], [2, 3]]
    var date = Date(timeIntervalSinceReferenceDate: 1_234.5)
    var id = UUID(uuidString: "0192F5A4-0000-7000-8000-0123456789AB")
    var data = Data([0, 1, 254, 255])
    var url = URL(string: "https://example.org/a?b=c#d")
    var price = Decimal(string: "12.50")
    var range = 1..<4
    var empty: [String: [Int]] = [:]
  }

  private static func foundation(_ value: some Encodable) throws -> JSON {
    try JSON(parsing: String(decoding: JSONEncoder().encode(value), as: UTF8.self))
  }

  @Test func aValueIsSpelledAsFoundationSpellsIt() throws {
    let value = Everything()
    #expect(try JSON(encoding: value) == Self.foundation(value))
    #expect(try JSON(encoding: value).decoded(as: Everything.self) == value)
    // And what Foundation has written is read.
    #expect(try Self.foundation(value).decoded(as: Everything.self) == value)
  }

  @Test func singleValuesAreSpelledAsFoundationSpellsThem() throws {
    func check<Value: Codable & Equatable>(_ values: Value...) throws {
      for value in values {
        let json = try JSON(encoding: value)
        #expect(try json == Self.foundation(value), "\(value)")
        #expect(try json.decoded(as: Value.self) == value)
      }
    }
    try check(true, false)
    try check(0, Int.min, Int.max)
    try check(0.0, -0.0, 1, 1e21, 1e-7, .greatestFiniteMagnitude, .leastNonzeroMagnitude, 123_456.789)
    try check(Float(0.1), .greatestFiniteMagnitude, .leastNonzeroMagnitude)
    try check("", "text", "\u{0}", "\u{2028}")
    try check(Int?.none, 3)
    try check([Int](), [1])
    try check([String: Int]())
    try check(Data(), Data([7]))
    try check(Everything.State.busy(task: "t", 1))
    let seed = SeededGenerator.seed(for: "codable")
    var generator = SeededGenerator(seed: seed)
    for _ in 0..<500 {
      let bits = UInt64.random(in: 0...UInt64.max, using: &generator)
      let double = Double(bitPattern: bits)
      if double.isFinite { try check(double) }
      let float = Float(bitPattern: UInt32(truncatingIfNeeded: bits))
      if float.isFinite { try check(float) }
      try check(Int64(bitPattern: bits) >> Int64(bits % 64))
    }
  }

  @Test func numbersThatJSONDoesNotHaveAreTheirNames() throws {
    for value in [Double.infinity, -.infinity] {
      #expect(try JSON(encoding: [value]).decoded(as: [Double].self) == [value])
    }
    #expect(try JSON(encoding: Double.nan) == "NaN")
    #expect(try JSON(encoding: Float.nan).decoded(as: Float.self).isNaN)
    #expect(throws: DecodingError.self) { try JSON.string("5").decoded(as: Double.self) }
  }

  @Test func aPartThatIsJSONKeepsEveryDigit() throws {
    struct Holder: Codable, Equatable { var value: JSON }
    let digits = "0." + String(repeating: "123456789", count: 20)
    let holder = Holder(value: try JSON(parsing: #"{"b": \#(digits), "a": [1.10, 9007199254740993]}"#))
    let json = try JSON(encoding: holder)
    #expect(json["value"] == holder.value)
    #expect(try json.decoded(as: Holder.self) == holder)
  }

  // MARK: - Containers that a type asks for by hand

  class Animal: Codable {
    var legs = 4
  }

  final class Dog: Animal {
    var name = "Rex"
    enum Keys: CodingKey { case name, nested, list }

    override init() { super.init() }
    required init(from decoder: any Decoder) throws {
      let container = try decoder.container(keyedBy: Keys.self)
      name = try container.decode(String.self, forKey: .name)
      var list = try container.nestedUnkeyedContainer(forKey: .list)
      var inner = try list.nestedUnkeyedContainer()
      #expect(try inner.decode(Int.self) == 1 && inner.isAtEnd)
      #expect(try list.decodeNil() && list.isAtEnd)
      try super.init(from: container.superDecoder())
    }
    override func encode(to encoder: any Encoder) throws {
      var container = encoder.container(keyedBy: Keys.self)
      try container.encode(name, forKey: .name)
      // One container, asked for twice.
      var first = container.nestedContainer(keyedBy: Keys.self, forKey: .nested)
      try first.encode(1, forKey: .name)
      var second = container.nestedContainer(keyedBy: Keys.self, forKey: .nested)
      try second.encode(2, forKey: .list)
      var list = container.nestedUnkeyedContainer(forKey: .list)
      var inner = list.nestedUnkeyedContainer()
      try list.encodeNil()
      try inner.encode(1)
      try super.encode(to: container.superEncoder())
    }
  }

  @Test func containersWithinContainersAreFoundations() throws {
    let dog = Dog()
    (dog.name, dog.legs) = ("Bello", 3)
    let json = try JSON(encoding: dog)
    #expect(try json == Self.foundation(dog))
    let read = try json.decoded(as: Dog.self)
    #expect(read.name == "Bello" && read.legs == 3)
  }

  @Test func aTypeThatEncodesNothing() throws {
    struct Nothing: Codable { func encode(to encoder: any Encoder) {} }
    struct Holder: Encodable { var nothing = Nothing() }
    #expect(throws: EncodingError.self) { try JSON(encoding: Nothing()) }
    #expect(try JSON(encoding: Holder()) == Self.foundation(Holder()))
  }

  @Test func ofTwoMembersWithOneNameTheLastCounts() throws {
    struct Twice: Encodable {
      func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: PathKey.self)
        try container.encode(1, forKey: PathKey(stringValue: "a"))
        try container.encode(2, forKey: PathKey(stringValue: "a"))
      }
    }
    #expect(try JSON(encoding: Twice()) == Self.foundation(Twice()))
  }

  // MARK: - What does not fit

  @Test(arguments: [
    (#"{"x": "1", "y": 2}"#, "x"), (#"{"x": 1, "y": null}"#, "y"), (#"{"x": 1, "y": 1e39}"#, "y"),
    (#"{"x": 1, "y": [2]}"#, "y"),
  ])
  func whatDoesNotFitIsNamedByItsPlace(text: String, member: String) throws {
    do {
      _ = try JSON(parsing: text).decoded(as: Everything.Point.self)
      Issue.record("\(text) was read")
    } catch let error as DecodingError {
      let path: [any CodingKey] =
        switch error {
        case .typeMismatch(_, let context), .valueNotFound(_, let context), .dataCorrupted(let context):
          context.codingPath
        default: []
        }
      #expect(path.map(\.stringValue) == [member])
    }
  }

  @Test func wholeNumbersAreReadAsFoundationReadsThem() throws {
    for text in ["5.0", "1e2", "300", "-1", "0.5", "255", "1e30"] {
      let ours = try? JSON(parsing: text).decoded(as: UInt8.self)
      #expect(ours == (try? JSONDecoder().decode(UInt8.self, from: Data(text.utf8))), "\(text)")
    }
  }

  @Test func aLargeObjectIsReadMemberByMember() throws {
    let values = Dictionary(uniqueKeysWithValues: (0..<50_000).map { ("name \($0)", $0) })
    #expect(try JSON(encoding: values).decoded(as: [String: Int].self) == values)
  }

  @Test func theErrorOfADeepPartSaysWhereItIs() throws {
    let json = try JSON(parsing: #"{"points": [{"x": 1, "y": 1}, {"x": true, "y": 1}]}"#)
    let error = #expect(throws: DecodingError.self) {
      try json.decoded(as: [String: [Everything.Point]].self)
    }
    guard case .typeMismatch(_, let context)? = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(
      context.codingPath.map { $0.intValue.map(String.init) ?? $0.stringValue } == ["points", "1", "x"])
  }
}
