// How a legacy column spells its values, so that a new value is written as the agent that made the table would write it.

import SQLite

/// The spelling of the values of a legacy memory table.
enum ValueSpelling {
  /// A value for a column whose last value is `sample`: a number among numbers, plain text among plain text, else JSON text.
  ///
  /// - Returns: nil where the column would not answer the same value as was given.
  static func value(storedText: String, like sample: SQLiteValue?, affinity: SQLiteAffinity) -> SQLiteValue? {
    guard let json = try? JSON(parsing: storedText) else { return nil }
    let candidates = [plain(json, like: sample), .text(storedText)]
    return candidates.lazy.compactMap { $0 }.first { candidate in
      guard affinity.keeps(candidate) else { return false }
      let exact = ExactValue(candidate)
      return MemoryValue(legacy: exact.json, mark: exact.mark).json == json
    }
  }

  private static func plain(_ json: JSON, like sample: SQLiteValue?) -> SQLiteValue? {
    switch (sample, json) {
    case (.integer?, .number(let number)), (.real?, .number(let number)):
      if let whole = number.int64Value { return .integer(whole) }
      return number.isInteger ? nil : .real(number.doubleValue)
    case (.text(let sample)?, .string(let text)):
      return (try? JSON(parsing: sample)) == nil ? .text(text) : nil
    default: return nil
    }
  }
}

/// The type affinity of a column (SQLite: "Datatypes in SQLite", section 3.1): which values change when they are stored.
enum SQLiteAffinity: Sendable, Hashable {
  case text, numeric, integer, real, none

  /// The affinity of a declared type.
  init(declaredType: String) {
    let type = declaredType.uppercased()
    if type.contains("INT") {
      self = .integer
    } else if type.contains("CHAR") || type.contains("CLOB") || type.contains("TEXT") {
      self = .text
    } else if type.isEmpty || type.contains("BLOB") || type == "ANY" {
      self = .none
    } else if type.contains("REAL") || type.contains("FLOA") || type.contains("DOUB") {
      self = .real
    } else {
      self = .numeric
    }
  }

  /// Whether a column of this affinity stores the value as it is.
  func keeps(_ value: SQLiteValue) -> Bool {
    switch (self, value) {
    case (.none, _), (_, .null), (_, .blob): true
    case (.text, .text): true
    case (.integer, .integer), (.numeric, .integer), (.real, .real): true
    // Text that begins like no number stays text.
    case (.integer, .text(let text)), (.numeric, .text(let text)), (.real, .text(let text)):
      !text.utf8.contains { $0 >= 0x30 && $0 <= 0x39 }
    default: false
    }
  }
}
