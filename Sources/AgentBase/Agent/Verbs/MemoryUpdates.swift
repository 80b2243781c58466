// Storing what follows from what is there, while others write too.

import Foundation

extension AgentOperations {
  /// Stores a value under a key where what is there is what was expected; see `storeMemory`.
  ///
  ///     let memory = try await agent.memory("count")
  ///     try await agent.storeMemory("count", 2, expecting: memory.map { .version($0.version) } ?? .absent)
  ///
  /// - Returns: the version of the value.
  /// - Throws: `AgentBaseError` of the code `conflict` where something else is there: its `conflict` has both.
  @discardableResult
  @concurrent public func storeMemory(
    _ key: String, _ value: some Encodable & Sendable, namespace: String = "", metadata: JSONObject = [:],
    embedding: [Float]? = nil, expiresIn: Duration? = nil, expecting: MemoryExpectation
  ) async throws -> Int64 {
    try await withStore(key: key) { store in
      let draft = try draft(
        MemoryItem(
          key, value, namespace: namespace, metadata: metadata, embedding: embedding, expiresIn: expiresIn))
      switch try await store.store(try await embedded(draft, store), expecting: expecting) {
      case .stored(let version): return version
      case .conflict(let current):
        throw AgentBaseError(MemoryConflict(expected: expecting, current: current))
      }
    }
  }

  /// Replaces a value by what the body makes of it, and calls the body again where somebody else was first.
  ///
  ///     try await agent.updateMemory("count", as: Int.self) { ($0 ?? 0) + 1 }
  ///
  /// The metadata stays, and so does the time to live, which begins anew; an embedding goes, since it was of the old value.
  ///
  /// - Parameters:
  ///   - attempts: how often the body is called at most.
  ///   - body: makes the new value of the old one, which is nil where there is none.
  /// - Returns: the new value.
  /// - Throws: what the body throws; `AgentBaseError` of the code `conflict` where others were first at every attempt.
  @discardableResult
  @concurrent public func updateMemory<Value: Codable & Sendable>(
    _ key: String, as type: Value.Type = Value.self, namespace: String = "", attempts: Int = 100,
    _ body: (Value?) async throws -> Value
  ) async throws -> Value {
    var attempt = 1
    while true {
      let old = try await memory(key, namespace: namespace)
      let new = try await body(try old?.decode(as: type))
      do {
        try await storeMemory(
          key, new, namespace: namespace, metadata: old?.metadata ?? [:], expiresIn: old?.life,
          expecting: old.map { .version($0.version) } ?? .absent)
        return new
      } catch let error as AgentBaseError where error.code == .conflict && attempt < attempts {
        // Who lost waits for a while that is not everybody's.
        try await Task.sleep(for: .microseconds(Int64.random(in: 0...(1000 << min(attempt, 6)))))
        attempt += 1
      }
    }
  }
}

extension Memory {
  /// How long a new value lives in its place.
  fileprivate var life: Duration? {
    if let timeToLive { return timeToLive }
    guard let expiresAt else { return nil }
    return max(.microseconds(1), .seconds(expiresAt.timeIntervalSinceNow))
  }
}
