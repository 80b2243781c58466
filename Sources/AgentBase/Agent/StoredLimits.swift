// What can be stored: the same limits on every backend, checked before anything is sent.

import Foundation

/// The limits of what an agent stores.
public enum StoredLimits {
  /// The most bytes of agent id, namespace and key together (or agent id and name): what an index of Postgres holds.
  public static let nameBytes = 2600
  /// The most bytes of a value as JSON: `jsonb` counts the bytes of its parts in 28 bits.
  public static let valueBytes = 200_000_000
  /// The deepest nesting of a value.
  public static let depth = 512
  /// The most numbers of an embedding.
  public static let embeddingDimensions = 16_000

  /// Checks a name that a row is found by.
  ///
  /// - Parameters:
  ///   - what: what the name is, for the error.
  ///   - others: what stands in the index beside it.
  static func check(_ name: String, _ what: String, with others: String...) throws(AgentBaseError) {
    guard !name.isEmpty else { throw AgentBaseError(.invalidName, "the \(what) is empty") }
    let length = others.reduce(name.utf8.count) { $0 + $1.utf8.count }
    guard length <= nameBytes else {
      throw AgentBaseError(
        .invalidName, "the \(what) is too long: with the agent's id it has \(length) bytes",
        advice: "Together they may have \(nameBytes). Store a digest of it, and the whole of it in the value."
      )
    }
    try checkText(name, what)
  }

  /// Checks a text that has no limit but that of its characters.
  static func checkText(_ text: String?, _ what: String) throws(AgentBaseError) {
    guard let text, text.utf8.contains(0) else { return }
    throw AgentBaseError(
      .invalidName, "the \(what) holds a NUL character, which Postgres cannot store", advice: "Leave it out.")
  }

  /// Checks an embedding, as pgvector would.
  static func check(embedding: [Float]?) throws(AgentBaseError) {
    guard let embedding else { return }
    guard (1...embeddingDimensions).contains(embedding.count), embedding.allSatisfy(\.isFinite) else {
      throw AgentBaseError(
        .invalidValue, "the embedding has \(embedding.count) numbers, or one that is not finite",
        advice: "A vector has 1 to \(embeddingDimensions) finite numbers.")
    }
  }

  /// Checks a time, and answers it in microseconds since 1970 UTC.
  static func microseconds(of date: Date) throws(AgentBaseError) -> Int64 {
    guard let time = Timestamp(date) else {
      throw AgentBaseError(.invalidValue, "the time is outside of the years 1 to 9999")
    }
    return time.microseconds
  }

  /// Checks a time to live, and answers it in microseconds; nil where there is none.
  static func microseconds(of duration: Duration?) throws(AgentBaseError) -> Int64? {
    guard let duration else { return nil }
    let limit = Duration.seconds(1000 * 366 * 86_400)
    guard duration > .zero, duration < limit else {
      throw AgentBaseError(
        .invalidValue, "the time to live is not more than zero, or more than a thousand years",
        advice: "Leave expiresIn out for a memory that stays.")
    }
    let (seconds, attoseconds) = duration.components
    return max(1, seconds * 1_000_000 + attoseconds / 1_000_000_000_000)
  }
}
