// Whether a JSON value can be held by jsonb: no U+0000, not too deep, not too large.

/// Measures JSON against the limits of `jsonb`.
enum JSONLimits {
  /// Checks a value that is to be stored.
  ///
  /// - Throws: `AgentBaseError` of the code `invalidValue`.
  static func check(_ json: JSON) throws(AgentBaseError) {
    let size = try size(of: json, depth: 0)
    guard size <= StoredLimits.valueBytes else {
      throw AgentBaseError(
        .invalidValue, "the value is too large: it takes \(size) bytes",
        advice: "A value may take \(StoredLimits.valueBytes). Split it over several keys.")
    }
  }

  /// An upper bound of the bytes that `jsonb` takes.
  private static func size(of json: JSON, depth: Int) throws(AgentBaseError) -> Int {
    guard depth <= StoredLimits.depth else {
      throw AgentBaseError(.invalidValue, "the value nests more than \(StoredLimits.depth) deep")
    }
    switch json {
    case .null, .bool: return 4
    // A numeric holds four digits in two bytes, behind a header; each entry has four bytes, and is aligned to four.
    case .number(let number): return 16 + number.digits.utf8.count / 2
    case .string(let string): return 4 + (try length(of: string))
    case .array(let values):
      var size = 8
      for value in values { size += try self.size(of: value, depth: depth + 1) }
      return size
    case .object(let object):
      var size = 8
      for member in object.members {
        size += 4 + (try length(of: member.name))
        size += try self.size(of: member.value, depth: depth + 1)
      }
      return size
    }
  }

  private static func length(of string: String) throws(AgentBaseError) -> Int {
    guard !string.utf8.contains(0) else {
      throw AgentBaseError(
        .invalidValue, "the value holds a NUL character (U+0000), which jsonb cannot store",
        advice: "Leave it out, or store the bytes as Data.")
    }
    return string.utf8.count
  }
}
