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
  /// How long it lives after it was stored, or read with `refreshing`; nil where it stays, or a legacy row does not say.
  public var timeToLive: Duration?
  /// Which of the key's values this is: each one that is stored has a greater version than those before, and none comes again
  /// after a deletion. A legacy row that the library has not written has a negative one, which is made from its value and
  /// metadata.
  public var version: Int64
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

/// A memory that is to be stored, for `storeMemories`.
public struct MemoryItem: Sendable {
  /// The namespace.
  public var namespace: String
  /// The key.
  public var key: String
  /// The value.
  public var value: any Encodable & Sendable
  /// What else to keep with it.
  public var metadata: JSONObject
  /// The value's vector.
  public var embedding: [Float]?
  /// How long it is kept; nil for ever.
  public var expiresIn: Duration?

  /// A memory; the parameters are those of `storeMemory`.
  public init(
    _ key: String, _ value: any Encodable & Sendable, namespace: String = "", metadata: JSONObject = [:],
    embedding: [Float]? = nil, expiresIn: Duration? = nil
  ) {
    self.key = key
    self.value = value
    self.namespace = namespace
    self.metadata = metadata
    self.embedding = embedding
    self.expiresIn = expiresIn
  }
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
  /// How many earlier values of the key are kept; nil where none is.
  var historyLimit: Int32?

  var name: MemoryName { MemoryName(namespace: namespace, key: key) }
  /// The metadata in jsonb's spelling.
  var metadataText: String { metadata.isEmpty ? "{}" : JSON.object(metadata).jsonbText }
}

/// What an agent's memory is found by. Two names are the same where their bytes are.
struct MemoryName: Hashable, Comparable, Sendable {
  var namespace: String
  var key: String

  static func == (left: MemoryName, right: MemoryName) -> Bool {
    left.namespace.isExactly(right.namespace) && left.key.isExactly(right.key)
  }

  static func < (left: MemoryName, right: MemoryName) -> Bool {
    let order = left.namespace.byteOrder(to: right.namespace)
    return order != 0 ? order < 0 : left.key.byteOrder(to: right.key) < 0
  }

  func hash(into hasher: inout Hasher) {
    ExactText(namespace).hash(into: &hasher)
    ExactText(key).hash(into: &hasher)
  }
}

extension [MemoryDraft] {
  /// What a batch stores: of two memories with one name the last one, in the order of the names, so that no two
  /// batches wait for each other.
  func settled() -> [MemoryDraft] {
    // Often it is in order already.
    if zip(self, dropFirst()).allSatisfy({ $0.name < $1.name }) { return self }
    let places = indices.sorted { self[$0].name == self[$1].name ? $0 < $1 : self[$0].name < self[$1].name }
    var settled: [MemoryDraft] = []
    settled.reserveCapacity(count)
    for place in places {
      if settled.last?.name == self[place].name { settled.removeLast() }
      settled.append(self[place])
    }
    return settled
  }
}
