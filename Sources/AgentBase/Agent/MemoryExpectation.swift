// Compare-and-set: what a store expects to find, and the error where it finds something else.

/// What is under a key, as the one who stores believes.
public enum MemoryExpectation: Sendable, Hashable {
  /// Nothing, or a memory that has expired.
  case absent
  /// The memory with this version.
  case version(Int64)
}

/// A store that expected something else than was there: the `underlying` of an `AgentBaseError` of the code `conflict`.
public struct MemoryConflict: Error, Sendable {
  /// What was expected.
  public let expected: MemoryExpectation
  /// What is there; nil for nothing.
  public let current: Memory?
}

extension AgentBaseError.Code {
  /// A store expected another version than is there; see `AgentBaseError.conflict`.
  public static let conflict = AgentBaseError.Code(rawValue: "conflict")
  /// There is no such version of the key.
  public static let unknownVersion = AgentBaseError.Code(rawValue: "unknownVersion")
}

extension AgentBaseError {
  /// What a store expected, and what was there; nil for other errors.
  public var conflict: MemoryConflict? { underlying as? MemoryConflict }

  init(_ conflict: MemoryConflict) {
    let found = conflict.current.map { "version \($0.version) is there" } ?? "nothing is there"
    let message =
      switch conflict.expected {
      case .absent: "nothing was expected, and \(found)"
      case .version(let version): "version \(version) was expected, and \(found)"
      }
    self.init(
      .conflict, message,
      advice: "Read the memory again, and store what follows from it; updateMemory does both.",
      underlying: conflict)
  }
}

/// What became of a store that expected something.
enum MemoryWrite: Sendable {
  /// It is the current value, of this version.
  case stored(Int64)
  /// Nothing was written: this is there.
  case conflict(Memory?)
}
