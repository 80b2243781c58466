// Two steps of a run on two connections: what the first is through with, the second takes while the first goes on.

/// Work in two steps.
enum TwoSteps {
  /// Runs `first`, which hands over items as it is through with them, and `second`, which takes them in that order.
  ///
  /// - Parameter atOnce: whether the second step begins with the first item; else it waits for the last.
  /// - Returns: what the second step answers.
  /// - Throws: what either of them throws; the other one is cancelled then.
  static func run<Item: Sendable, Outcome: Sendable>(
    atOnce: Bool, first: (_ handOver: (Item) -> Void) async throws -> Void,
    second: @escaping @Sendable (AsyncStream<Item>) async throws -> Outcome
  ) async throws -> Outcome {
    let (items, queue) = AsyncStream.makeStream(of: Item.self)
    guard atOnce else {
      do {
        try await first { queue.yield($0) }
      } catch {
        queue.finish()
        throw error
      }
      queue.finish()
      return try await second(items)
    }
    return try await withThrowingTaskGroup(of: Outcome.self) { group in
      defer { queue.finish() }
      group.addTask { try await second(items) }
      try await first { queue.yield($0) }
      queue.finish()
      guard let outcome = try await group.next() else { throw CancellationError() }
      return outcome
    }
  }
}
