// Converts single legacy values to the types of Postgres' columns. Pure; what a value does not mean becomes nil, and the
// raw value stays in the row's JSON.

public import SQLite

/// The conversions of single values.
public enum LegacyConversion {
  /// Text for a text column: that of a number too; nil for NULL. What Postgres' text cannot hold (NUL, bytes that are
  /// not UTF-8) is replaced by U+FFFD; the exact bytes are kept with the row.
  public static func text(_ value: SQLiteValue) -> String? {
    switch value {
    case .null: nil
    case .integer(let number): String(number)
    case .real(let number): number.description
    case .text(let text): text.utf8.contains(0) ? text.replacing("\0", with: "\u{FFFD}") : text
    case .malformedText(let bytes), .blob(let bytes):
      String(decoding: bytes, as: UTF8.self).replacing("\0", with: "\u{FFFD}")
    }
  }

  /// A number: of INTEGER, REAL, and text that spells one; nil otherwise.
  public static func number(_ value: SQLiteValue) -> Double? {
    switch value {
    case .integer(let number): Double(number)
    case .real(let number): number
    case .text(let text): JSONNumber(text: text)?.doubleValue
    case .null, .blob, .malformedText: nil
    }
  }

  /// A count: of a whole number that is not negative; 0 otherwise.
  public static func count(_ value: SQLiteValue) -> Int64 {
    switch value {
    case .integer(let number): max(0, number)
    case .real(let number): max(0, Int64(exactly: number) ?? 0)
    case .text(let text): max(0, Int64(text) ?? 0)
    case .null, .blob, .malformedText: 0
    }
  }

  /// A switch: false for 0, `false`, `no`, `off`, `disabled`, `inactive` and `f` or `n`, in any case of letters; else true.
  public static func isEnabled(_ value: SQLiteValue) -> Bool {
    switch value {
    case .integer(let number): number != 0
    case .real(let number): number != 0
    case .text(let text):
      !["0", "false", "f", "no", "n", "off", "disabled", "inactive"].contains(text.lowercased())
    case .null, .blob, .malformedText: true
    }
  }

  /// JSON for a jsonb column: text that is JSON (and that `jsonb` can hold) as it is, other values as a JSON string or number.
  public static func json(_ value: SQLiteValue) -> JSON? {
    if case .null = value { return nil }
    if case .text(let text) = value, let parsed = try? JSON(parsing: text), !parsed.holdsNUL { return parsed }
    return ExactValue(value).json
  }

  /// The members of a legacy metadata column, where it is a JSON object that `jsonb` can hold.
  public static func metadata(_ value: SQLiteValue) -> JSONObject? {
    guard case .text(let text) = value, text.utf8.contains(UInt8(ascii: "{")),
      case .object(let object)? = try? JSON(parsing: text), !JSON.object(object).holdsNUL
    else { return nil }
    return object
  }

  /// An embedding: a JSON array of numbers, each rounded to the nearest float32, or a BLOB of float32, little-endian, bit for
  /// bit; nil where it is neither, or none that a vector holds (1 to 16,000 finite numbers).
  public static func embedding(_ value: SQLiteValue) -> [Float]? {
    let numbers: [Float]
    switch value {
    case .text(let text):
      guard text.utf8.contains(UInt8(ascii: "[")), case .array(let values)? = try? JSON(parsing: text) else {
        return nil
      }
      numbers = values.compactMap { if case .number(let number) = $0 { Float(number.digits) } else { nil } }
      guard numbers.count == values.count else { return nil }
    case .blob(let bytes):
      guard bytes.count % 4 == 0 else { return nil }
      numbers = stride(from: 0, to: bytes.count, by: 4).map { place in
        Float(bitPattern: (0..<4).reduce(0) { $0 | UInt32(bytes[place + $1]) << (8 * UInt32($1)) })
      }
    case .null, .integer, .real, .malformedText: return nil
    }
    return (1...16_000).contains(numbers.count) && numbers.allSatisfy(\.isFinite) ? numbers : nil
  }

  /// The status of an execution: the status column's text; a number there tells success; without one, an error message
  /// means `failed` and a time of completion `completed`.
  public static func status(_ value: SQLiteValue?, columnName: String?, hasError: Bool, isCompleted: Bool)
    -> String
  {
    switch value {
    case .integer(let number)? where columnName?.lowercased() == "success" || number == 0 || number == 1:
      number == 0 ? "failed" : "completed"
    case let value? where value != .null: text(value) ?? "unknown"
    default: hasError ? "failed" : isCompleted ? "completed" : "unknown"
    }
  }
}
