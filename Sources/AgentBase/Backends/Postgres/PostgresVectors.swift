// What is known for a while of the vectors in a database: pgvector, its indexes, and how many vectors agents have.

import Postgres
import Synchronization

/// What the agents of a database know of its vectors.
final class PostgresVectors: Sendable {
  /// Whether embeddings are vectors, and the names of the indexes that can be used.
  struct State: Sendable {
    var hasVectors: Bool
    var indexes: Set<String>
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
