// What a filter means: the rule that the SQL of a backend has to agree with.

extension MemoryFilter {
  /// Whether a memory fulfils the condition.
  public func matches(_ memory: Memory) -> Bool {
    matches(value: memory.value.json, metadata: memory.metadata)
  }

  /// Whether a value with its metadata fulfils the condition.
  func matches(value: JSON, metadata: JSONObject) -> Bool {
    switch self {
    case .equals(let field, let wanted):
      return field.find(value, metadata).map { $0.isSame(as: wanted) } ?? false
    case .compares(let field, let order, let wanted):
      return field.find(value, metadata).map { order.holds($0, wanted) } ?? false
    case .isIn(let field, let values):
      guard let found = field.find(value, metadata) else { return false }
      return values.contains { found.isSame(as: $0) }
    case .contains(let field, let wanted):
      switch (field.find(value, metadata), wanted) {
      case (.array(let elements)?, _): return elements.contains { $0.isSame(as: wanted) }
      case (.string(let text)?, .string(let part)):
        return part.isEmpty || text.utf8.firstRange(of: part.utf8) != nil
      default: return false
      }
    case .exists(let field): return field.find(value, metadata) != nil
    case .and(let filters): return filters.allSatisfy { $0.matches(value: value, metadata: metadata) }
    case .or(let filters): return filters.contains { $0.matches(value: value, metadata: metadata) }
    case .not(let filter): return !filter.matches(value: value, metadata: metadata)
    }
  }
}

extension MemoryField {
  /// What is at the place; nil where there is none.
  func find(_ value: JSON, _ metadata: JSONObject) -> JSON? {
    var found = root == .value ? value : .object(metadata)
    for step in path {
      switch found {
      case .object(let object):
        guard let member = object[step] else { return nil }
        found = member
      case .array(let elements):
        // Postgres reads an index as C does, with white space before it.
        guard let index = Int32(step.drop { $0.isASCII && ($0 == "\r\n" || $0.isWhitespace) }) else {
          return nil
        }
        let place = index < 0 ? elements.count + Int(index) : Int(index)
        guard elements.indices.contains(place) else { return nil }
        found = elements[place]
      default: return nil
      }
    }
    return found
  }
}

extension MemoryFilter.Order {
  fileprivate func holds(_ left: JSON, _ right: JSON) -> Bool {
    switch (left, right) {
    case (.number(let left), .number(let right)): holds(left.compare(with: right))
    case (.string(let left), .string(let right)): holds(left.byteOrder(to: right))
    default: false
    }
  }

  /// Whether a comparison's result (negative, zero or positive) is in this order.
  private func holds(_ result: Int) -> Bool {
    switch self {
    case .less: result < 0
    case .lessOrEqual: result <= 0
    case .greater: result > 0
    case .greaterOrEqual: result >= 0
    }
  }
}

extension JSON {
  /// Whether `jsonb` holds them for equal: as `==`, but 1 is the same as 1.0.
  func isSame(as other: JSON) -> Bool {
    switch (self, other) {
    case (.number(let left), .number(let right)): left.compare(with: right) == 0
    case (.array(let left), .array(let right)):
      left.count == right.count && zip(left, right).allSatisfy { $0.isSame(as: $1) }
    case (.object(let left), .object(let right)):
      left.members.count == right.members.count
        && zip(left.sortedMembers, right.sortedMembers).allSatisfy {
          $0.name.utf8.elementsEqual($1.name.utf8) && $0.value.isSame(as: $1.value)
        }
    default: self == other
    }
  }
}

extension JSONNumber {
  /// Negative, zero or positive: the order of the numbers, to the last digit.
  func compare(with other: JSONNumber) -> Int {
    let (left, right) = (Decimals(digits), Decimals(other.digits))
    if left.sign != right.sign { return left.sign < right.sign ? -1 : 1 }
    let order = left.magnitudeOrder(to: right)
    return left.sign < 0 ? -order : order
  }

  /// A number's digits without what does not count.
  private struct Decimals {
    /// -1, 0 or 1.
    let sign: Int
    let whole: Substring.UTF8View
    let fraction: Substring.UTF8View

    init(_ digits: String) {
      let isNegative = digits.utf8.first == UInt8(ascii: "-")
      let rest = isNegative ? digits.dropFirst() : digits[...]
      let parts = rest.split(separator: ".", maxSplits: 1)
      whole = parts.first.map { $0.drop { $0 == "0" } }?.utf8 ?? Substring().utf8
      var fraction = parts.count > 1 ? parts[1] : Substring()
      while fraction.utf8.last == UInt8(ascii: "0") { fraction.removeLast() }
      self.fraction = fraction.utf8
      sign = whole.isEmpty && fraction.isEmpty ? 0 : isNegative ? -1 : 1
    }

    func magnitudeOrder(to other: Decimals) -> Int {
      if whole.count != other.whole.count { return whole.count < other.whole.count ? -1 : 1 }
      if !whole.elementsEqual(other.whole) { return whole.lexicographicallyPrecedes(other.whole) ? -1 : 1 }
      if fraction.elementsEqual(other.fraction) { return 0 }
      return fraction.lexicographicallyPrecedes(other.fraction) ? -1 : 1
    }
  }
}
