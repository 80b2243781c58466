// What a memory holds: JSON, or the text of a legacy row; and how it becomes a Swift value.

import Foundation

/// The value of a memory.
///
/// A stored value is JSON. A legacy value of TEXT that is JSON is that JSON, and other text is a JSON string; INTEGER and REAL
/// are numbers, a BLOB is a string of base64, NULL is null. The same value comes from a legacy SQLite file and from
/// what was imported from it into Postgres.
public struct MemoryValue: Sendable {
  private enum Content {
    /// JSON text in jsonb's spelling, as the library stores it.
    case stored(String)
    case json(JSON)
    /// The TEXT of a legacy row.
    case legacyText(String)
  }

  private let content: Content

  /// A value that the library stored, by its JSON text.
  init(storedText: String) { content = .stored(storedText) }

  /// A value of a legacy row, by its JSON and its mark (see `ExactValue`).
  init(legacy json: JSON, mark: JSON?) {
    if mark == nil, case .string(let text) = json {
      content = .legacyText(text)
    } else {
      content = .json(json)
    }
  }

  // MARK: - Reading

  /// The value as JSON, with every digit of its numbers.
  public var json: JSON {
    switch content {
    // Text that the library wrote is JSON, unless someone has changed it by hand.
    case .stored(let text), .legacyText(let text): (try? JSON(parsing: text)) ?? .string(text)
    case .json(let json): json
    }
  }

  /// The JSON text of the value, in jsonb's spelling.
  var storedText: String {
    if case .stored(let text) = content { return text }
    return json.jsonbText
  }

  /// About how many bytes the value has.
  var approximateBytes: Int {
    switch content {
    case .stored(let text), .legacyText(let text): text.utf8.count
    case .json: 1000
    }
  }

  /// The value as a text that people can search: a string as it is, other values as JSON text.
  public var text: String {
    if case .stored(let stored) = content, let text = Self.plainString(stored) { return text }
    let json = json
    if case .string(let text) = json { return text }
    if case .legacyText(let text) = content { return text }
    return json.jsonbText
  }

  /// The value as a `Type`.
  ///
  /// `JSON` is the value itself, exact. `String` is the string, or the text of a value that is none. Everything else is
  /// read as Foundation's `JSONDecoder` does by itself: dates from their seconds since 2001, `Data` from base64; and
  /// infinities and NaN from their names.
  ///
  /// - Throws: `AgentBaseError` of the code `wrongType`, which says where in the value the type does not fit.
  public func decode<Value: Decodable>(as type: Value.Type) throws(AgentBaseError) -> Value {
    if type == String.self, case .stored(let stored) = content, let text = Self.plainString(stored),
      let value = text as? Value
    {
      return value
    }
    if type == JSON.self, let value = json as? Value { return value }
    if type == String.self || type == String?.self, json != .null, let value = text as? Value { return value }
    do {
      return try json.decoded(as: type)
    } catch {
      throw AgentBaseError(
        .wrongType, "the stored value is not \(Self.article(type)): \(Self.reason(error))",
        advice: "Read it as JSON.self to see what it is.", underlying: error)
    }
  }

  /// The string that a JSON text is, where it has no escapes: the commonest of all values, read without parsing it.
  private static func plainString(_ text: String) -> String? {
    let string = unsafe text.utf8.withContiguousStorageIfAvailable { bytes -> String? in
      let quote = UInt8(ascii: "\"")
      guard bytes.count >= 2, unsafe bytes.first == quote, unsafe bytes.last == quote else { return nil }
      let inner = unsafe UnsafeRawBufferPointer(
        rebasing: UnsafeRawBufferPointer(bytes).dropFirst().dropLast())
      guard unsafe JSONWriter.firstEscaped(in: inner, from: 0) == nil else { return nil }
      return unsafe String(decoding: inner, as: UTF8.self)
    }
    return string.flatMap { $0 }
  }

  // MARK: - Writing

  /// The JSON text, in jsonb's spelling, of a value to be stored.
  ///
  /// - Throws: `AgentBaseError` of the code `invalidValue` where Postgres or SQLite could not hold it.
  static func storedText(of value: some Encodable) throws(AgentBaseError) -> String {
    let json: JSON
    switch value {
    case let value as JSON: json = value
    case let value as String: json = .string(value)
    default:
      do {
        json = try JSON(encoding: value)
      } catch {
        throw AgentBaseError(
          .invalidValue, "the value cannot be written as JSON: \(reason(error))", underlying: error)
      }
    }
    try JSONLimits.check(json)
    return json.jsonbText
  }

  private static func article(_ type: Any.Type) -> String { "of the type \(type)" }

  /// What an encoder or decoder stumbled over, without the value.
  static func reason(_ error: any Error) -> String {
    let context: (path: [any CodingKey], text: String)? =
      switch error {
      case DecodingError.typeMismatch(let type, let context): (context.codingPath, "\(type) is needed")
      case DecodingError.valueNotFound(let type, let context):
        (context.codingPath, "\(type) is needed, and null is there")
      case DecodingError.keyNotFound(let key, let context):
        (context.codingPath, "the member \"\(key.stringValue)\" is missing")
      // The context's own words may quote the value.
      case DecodingError.dataCorrupted(let context): (context.codingPath, "what is there is not of the type")
      case EncodingError.invalidValue(_, let context): (context.codingPath, context.debugDescription)
      default: nil
      }
    guard let context else { return "\(error)" }
    let path = context.path.map { $0.intValue.map(String.init) ?? $0.stringValue }.joined(separator: ".")
    return path.isEmpty ? context.text : "at \(path): \(context.text)"
  }
}
