// What is known for a while of the vectors in a database: pgvector, its indexes, and how many vectors agents have.

import Postgres
import Synchronization

/// What the agents of a database know of its vectors.
final class PostgresVectors: Sendable {
  /// Whether embeddings are vectors, and the indexes that can be used, by their names.
  struct State: Sendable {
    var hasVectors: Bool
    var indexes: [String: Measured?]
  }

  /// How broad a search by an index has to be, as it was measured.
  struct Measured: Sendable, Equatable {
    /// How many candidates a search keeps; nil where no number was enough, so that each vector has to be compared.
    var breadth: Int?
    /// How many memories there were about.
    var rows: Int
  }

  /// How many vectors a search would compare.
  struct Count: Sendable {
    /// Of the agent in the scope; as many as were counted.
    var own: Int
    /// About how many memories there are of all agents.
    var all: Int
    /// Whether there are more than were counted.
    var isCut: Bool

    /// Whether comparing each is quicker than the index. That goes through the vectors of all agents, the nearest first, until
    /// it has met enough of this agent's.
    func isExactQuicker(limit: Int) -> Bool {
      own <= 2000 || (!isCut && own < 10_000_000 && own * own <= 10 * limit * max(own, all))
    }
  }

  /// The most vectors that are counted.
  static let countLimit = 20_000

  private struct Key: Hashable {
    var agent: String
    var scope: MemoryScope
  }

  private struct Known {
    var state: (value: State, readAt: ContinuousClock.Instant)?
    var counts: [Key: (value: Count, readAt: ContinuousClock.Instant)] = [:]
    var saidMissing: Set<String> = []
    var measuring: Set<String> = []
  }

  private let known = Mutex(Known())

  /// The state, where it was read not long ago.
  var state: State? {
    known.withLock { known in
      guard let state = known.state, ContinuousClock.now - state.readAt < .seconds(30) else { return nil }
      return state.value
    }
  }

  /// Remembers what was read; nil to read again.
  func remember(_ state: State?) { known.withLock { $0.state = state.map { ($0, .now) } } }

  /// Notes what was measured of an index.
  func note(_ measured: Measured, of index: String) {
    known.withLock { $0.state?.value.indexes[index] = .some(measured) }
  }

  /// Begins to measure an index; false where somebody else is at it.
  func beginMeasuring(_ index: String) -> Bool { known.withLock { $0.measuring.insert(index).inserted } }
  func endMeasuring(_ index: String) { known.withLock { _ = $0.measuring.remove(index) } }

  /// A count, where it was read not long ago: few become more in no time.
  func count(_ agent: String, _ scope: MemoryScope) -> Count? {
    known.withLock { known in
      guard let count = known.counts[Key(agent: agent, scope: scope)],
        ContinuousClock.now - count.readAt < (count.value.isCut ? .seconds(600) : .seconds(5))
      else { return nil }
      return count.value
    }
  }

  func remember(_ count: Count, _ agent: String, _ scope: MemoryScope) {
    known.withLock { known in
      if known.counts.count >= 1000 { known.counts = [:] }
      known.counts[Key(agent: agent, scope: scope)] = (count, .now)
    }
  }

  /// Whether it is the first time that this index is missed.
  func isFirstMiss(_ index: String) -> Bool { known.withLock { $0.saidMissing.insert(index).inserted } }
}

extension PostgresVectors.Measured {
  /// The note as it stands at the index, for other processes.
  var text: String { "agentbase: breadth \(breadth ?? 0) at \(rows) rows" }

  /// Reads a note; nil for any other.
  init?(text: String) {
    let words = text.split(separator: " ")
    guard words.count == 6, words[0] == "agentbase:", let breadth = Int(words[2]), let rows = Int(words[4])
    else {
      return nil
    }
    self.init(breadth: breadth > 0 ? breadth : nil, rows: rows)
  }
}
