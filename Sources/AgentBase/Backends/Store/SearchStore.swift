// What a backend does to search by words and by vectors. Everything that it is given has been checked.

/// A search by words.
struct WordSearch: Sendable {
  var query: WordQuery
  var rank: WordRank
  var scope: MemoryScope
  var filter: MemoryFilter?
  var limit: Int
  var after: HitPlace?
}

/// A search by a vector.
struct VectorSearch: Sendable {
  var vector: [Float]
  var metric: VectorMetric
  var scope: MemoryScope
  var filter: MemoryFilter?
  var limit: Int
  var after: HitPlace?
}

/// A memory whose vector is to be replaced, as it was read.
struct NewEmbedding: Sendable {
  var name: MemoryName
  /// The version of its value: one that was stored since has a vector of its own.
  var version: Int64
  /// Nil where the value has none any more.
  var vector: [Float]?
}

/// Searches in the memories of one agent in one database.
protocol SearchStore: Sendable {
  /// The current memories that fulfil a query by words, the best first. The order of a place is the negative rank.
  func hits(_ search: WordSearch) async throws -> HitPage
  /// The current memories with as many dimensions, the nearest first. The order of a place is the distance.
  func hits(_ search: VectorSearch) async throws -> HitPage

  /// The spaces of the agent.
  func spaces() async throws -> [StoredSpace]
  /// Adds spaces where there are none of the same namespace, and makes their indexes where that is quick.
  ///
  /// - Returns: all spaces of the agent.
  func declare(_ spaces: [StoredSpace]) async throws -> [StoredSpace]
  /// Sets a space, whatever it was.
  func set(_ space: StoredSpace) async throws
  /// Makes the index of a space, where the backend has such and it is not there.
  ///
  /// - Returns: whether searches have it.
  func prepareIndex(_ space: StoredSpace) async throws -> Bool
  /// Stored memories with a vector in a part of the namespaces, in the order of their names.
  func embeddedMemories(in scope: MemoryScope, after: MemoryName?, limit: Int) async throws -> [Memory]
  /// Replaces the vectors of memories that have not been stored again since they were read.
  ///
  /// - Returns: how many there were.
  func replace(_ embeddings: [NewEmbedding]) async throws -> Int
}
