// How the words of a command line become numbers, durations and choices.

/// The readers that options share.
enum OptionValues {
  /// A whole number within limits.
  static func integer(in range: ClosedRange<Int>) -> @Sendable (String) throws(InvalidValue) -> Int {
    { text throws(InvalidValue) in
      guard let number = Int(text), range.contains(number) else {
        throw InvalidValue(expected: "a whole number from \(range.lowerBound) to \(range.upperBound)")
      }
      return number
    }
  }

  /// Seconds, whole or with a fraction, more than none and less than 30 years.
  static func seconds(_ text: String) throws(InvalidValue) -> Duration {
    guard let number = Double(text), number > 0, number < 1e9 else {
      throw InvalidValue(expected: "a number of seconds greater than 0")
    }
    return .seconds(number)
  }

  /// A file or a folder. A URL in its place is a slip, and would show its password in every error about the file.
  static func path(_ text: String) throws(InvalidValue) -> String {
    guard !text.isEmpty, !text.contains("://") else {
      throw InvalidValue(expected: "the path of a file or a folder")
    }
    return text
  }

  /// One of the names of an enumeration.
  static func choice<Value: RawRepresentable & CaseIterable & Sendable>(
    _ type: Value.Type
  ) -> @Sendable (String) throws(InvalidValue) -> Value where Value.RawValue == String {
    { text throws(InvalidValue) in
      guard let value = Value(rawValue: text) else {
        throw InvalidValue(expected: Value.allCases.map(\.rawValue).joined(separator: ", "))
      }
      return value
    }
  }
}
