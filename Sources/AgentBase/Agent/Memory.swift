// A memory with all that is known of it.

public import Foundation

/// A memory: its value, and what is kept with it.
public struct Memory: Sendable {
  /// The namespace; empty unless one was given.
  public var namespace: String
  /// The key.
  public var key: String
  /// The value.
  public var value: MemoryValue
  /// The metadata that was stored with it; of an imported memory, the legacy row's own.
  public var metadata: JSONObject
  /// The embedding, if there is one.
  public var embedding: [Float]?
  /// When the key was stored first; nil where a legacy row does not say.
  public var createdAt: Date?
  /// When the value was stored; nil where a legacy row does not say.
  public var updatedAt: Date?
  /// When it expires; nil where it stays.
  public var expiresAt: Date?
  /// Whether it came from a legacy file by an import.
  public var isImported: Bool

  /// The value as a `Type`; see `MemoryValue.decode(as:)`.
  public func decode<Value: Decodable>(as type: Value.Type = Value.self) throws(AgentBaseError) -> Value {
    do {
      return try value.decode(as: type)
    } catch {
      var error = error
      error.key = key
      throw error
    }
  }
}

/// A part of a listing.
public struct MemoryPage: Sendable {
  /// The memories, in the order of their keys' bytes.
  public var memories: [Memory]
  /// The key to give as `after` for the next part; nil where this is the last.
  public var next: String?
}

/// A memory on its way into a store, checked.
struct MemoryDraft: Sendable {
  var namespace: String
  var key: String
  /// The value in jsonb's spelling.
  var valueText: String
  var metadata: JSONObject
  var embedding: [Float]?
  /// Microseconds to live.
  var timeToLive: Int64?
}
