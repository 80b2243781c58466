// Two steps of a run on two connections: what the first is through with, the second takes while the first goes on.

/// Work in two steps.
enum TwoSteps {
  /// Runs `first`, which hands over items as it is through with them, and `second`, which takes them in that order.
  ///
  /// - Parameter atOnce: whether the second step begins with the first item; else it waits for the last.
  /// - Returns: what the second step answers.
  /// - Throws: what either of them throws. Where it is the first, the second is cancelled; where it is the second, the first ends
  ///   with the next item that it hands over.
  static func run<Item: Sendable, Outcome: Sendable>(
    atOnce: Bool, first: (_ handOver: (Item) throws -> Void) async throws -> Void,
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
      group.addTask {
        // When it ends early, nobody takes what is handed over.
        defer { queue.finish() }
        return try await second(items)
      }
      do {
        try await first { item in
          if case .terminated = queue.yield(item) { throw SecondHasEnded() }
        }
      } catch is SecondHasEnded {
        // Its own error tells why.
      }
      queue.finish()
      guard let outcome = try await group.next() else { throw CancellationError() }
      return outcome
    }
  }

  /// Ends the first step.
  private struct SecondHasEnded: Error {}
}
