// Conditions on what memories hold, in code: their words are data, and never become SQL text.

/// A place in a memory: its value or its metadata, or a member somewhere inside.
///
/// A step names the member of an object, or is the index of an array's element as text (`"0"`, or `"-1"` for the last).
public struct MemoryField: Sendable, Hashable {
  /// Where a path begins.
  enum Root: Sendable, Hashable {
    case value
    case metadata
  }

  let root: Root
  let path: [String]

  /// The value, or a member of it.
  public static func value(_ path: String...) -> MemoryField { MemoryField(root: .value, path: path) }
  /// A member of the metadata; without a path, the metadata as a whole.
  public static func metadata(_ path: String...) -> MemoryField { MemoryField(root: .metadata, path: path) }
}

/// A condition on a memory.
///
///     let filter: MemoryFilter = .metadata("kind") == "note" && .value("pages") > 9
///
/// A comparison is false where the field is missing or of another type; `!` is its plain opposite, so
/// `!(.metadata("kind") == "note")` holds for a memory without a kind. Numbers are compared as numbers (9 < 10, and 1 equals
/// 1.0), strings by their UTF-8 bytes; nothing else has an order.
public indirect enum MemoryFilter: Sendable, Hashable {
  /// How two values are compared.
  public enum Order: Sendable, Hashable {
    case less
    case lessOrEqual
    case greater
    case greaterOrEqual
  }

  /// The field is equal to the value: `null` too, which is not the same as missing.
  case equals(MemoryField, JSON)
  /// The field is a number and so is the value, or both are strings, and they are in this order.
  case compares(MemoryField, Order, JSON)
  /// The field equals one of the values.
  case isIn(MemoryField, [JSON])
  /// The field is an array with an element that equals the value, or a string that holds the string, byte by byte.
  case contains(MemoryField, JSON)
  /// The field is there, `null` included.
  case exists(MemoryField)
  /// All of them hold; of none, that is true.
  case and([MemoryFilter])
  /// One of them holds; of none, that is false.
  case or([MemoryFilter])
  /// It does not hold.
  case not(MemoryFilter)
}

// MARK: - Spelling

extension MemoryField {
  /// The field is there, `null` included.
  public var exists: MemoryFilter { .exists(self) }
  /// The field equals one of the values.
  public func isIn(_ values: [JSON]) -> MemoryFilter { .isIn(self, values) }
  /// The field is an array with such an element, or a string that holds the string.
  public func contains(_ value: JSON) -> MemoryFilter { .contains(self, value) }

  /// The field is equal to the value.
  public static func == (field: MemoryField, value: JSON) -> MemoryFilter { .equals(field, value) }
  /// The field is missing, or not equal to the value.
  public static func != (field: MemoryField, value: JSON) -> MemoryFilter { .not(.equals(field, value)) }
  /// The field is less than the value.
  public static func < (field: MemoryField, value: JSON) -> MemoryFilter { .compares(field, .less, value) }
  /// The field is less than the value, or equal to it.
  public static func <= (field: MemoryField, value: JSON) -> MemoryFilter {
    .compares(field, .lessOrEqual, value)
  }
  /// The field is greater than the value.
  public static func > (field: MemoryField, value: JSON) -> MemoryFilter { .compares(field, .greater, value) }
  /// The field is greater than the value, or equal to it.
  public static func >= (field: MemoryField, value: JSON) -> MemoryFilter {
    .compares(field, .greaterOrEqual, value)
  }
}

extension MemoryFilter {
  /// The value, or a member of it, so that a condition can begin with `.value("a").exists`.
  public static func value(_ path: String...) -> MemoryField { MemoryField(root: .value, path: path) }
  /// A member of the metadata, so that a condition can begin with `.metadata("a").exists`.
  public static func metadata(_ path: String...) -> MemoryField { MemoryField(root: .metadata, path: path) }

  /// Both hold.
  public static func && (left: MemoryFilter, right: MemoryFilter) -> MemoryFilter { .and([left, right]) }
  /// One of them holds, or both.
  public static func || (left: MemoryFilter, right: MemoryFilter) -> MemoryFilter { .or([left, right]) }
  /// It does not hold.
  public static prefix func ! (filter: MemoryFilter) -> MemoryFilter { .not(filter) }
}
