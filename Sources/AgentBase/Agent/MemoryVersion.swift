// The earlier values of a key, and the namespaces of an agent.

public import Foundation

/// An earlier value of a key.
public struct MemoryVersion: Sendable {
  /// The version that the memory had; see `Memory.version`.
  public var version: Int64
  /// The value.
  public var value: MemoryValue
  /// The metadata that was stored with it.
  public var metadata: JSONObject
  /// The embedding, if there was one.
  public var embedding: [Float]?
  /// When the value was stored; nil where a legacy row does not say.
  public var storedAt: Date?
  /// When another one took its place, or the key was deleted; nil where that is not known.
  public var replacedAt: Date?
  /// Whether it came from a legacy file by an import.
  public var isImported: Bool
}

/// A part of a key's history.
public struct MemoryHistory: Sendable {
  /// The earlier values, the newest first.
  public var versions: [MemoryVersion]
  /// What to give as `after` for the next part; nil where this is the last.
  public var cursor: MemoryCursor?
}

/// A namespace with memories in it.
public struct MemoryNamespace: Sendable, Hashable {
  /// The name.
  public var name: String
  /// How many memories it has; where names were cut at a depth, also those of the namespaces that nest in it.
  public var count: Int
}

/// What a history asks a backend for.
struct MemoryHistoryQuery: Sendable {
  var name: MemoryName
  var limit: Int
  var after: HistoryPlace?
}

/// A place in a history: kept values come first, then what lies in the tables of legacy rows.
enum HistoryPlace: Sendable, Hashable {
  /// Behind a kept value, by the number that the backend orders them by.
  case kept(Int64)
  /// Behind a legacy or an imported row: what the backend finds it by, and the microseconds at which it was stored.
  case legacy([String], storedAt: Int64?)
}

/// An earlier value as a backend found it, with its place.
struct FoundVersion: Sendable {
  var version: MemoryVersion
  var place: HistoryPlace
}

/// What a listing of namespaces asks a backend for.
struct MemoryNamespaceQuery: Sendable {
  var scope: MemoryScope
  /// How many parts of a name are looked at; nil for all.
  var parts: Int?
  var limit: Int
  var after: String?

  /// The name that a namespace is counted under: its first parts. A name that begins with a slash has at least one part that
  /// is not empty, since nothing nests in the empty namespace.
  func rolledUp(_ namespace: String) -> String {
    guard let parts, !namespace.isEmpty else { return namespace }
    let all = namespace.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
    let kept = all.prefix(parts == 1 && all[0].isEmpty ? 2 : parts)
    return kept.map { String(Substring($0)) }.joined(separator: "/")
  }
}

extension MemoryCursor {
  /// The place behind an earlier value.
  init(behind place: HistoryPlace) {
    switch place {
    case .kept(let number): self.init(.history, ["k", String(number)])
    case .legacy(let fields, let storedAt):
      self.init(.history, ["l", storedAt.map { String($0) } ?? ""] + fields)
    }
  }

  /// The place where a history goes on.
  func historyPlace() throws(AgentBaseError) -> HistoryPlace {
    var fields = try fields(.history, count: nil)[...]
    guard let part = fields.popFirst(), let number = fields.popFirst() else { throw Self.isForeign }
    switch (part, Int64(number)) {
    case ("k", let number?): return .kept(number)
    case ("l", let storedAt) where storedAt != nil || number.isEmpty:
      return .legacy(Array(fields), storedAt: storedAt)
    default: throw Self.isForeign
    }
  }
}
