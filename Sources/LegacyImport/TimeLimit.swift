// The time that a run may take.

/// A limit that the user has set, or none.
struct TimeLimit: Sendable {
  private let limit: Duration?
  private let activity: String

  /// A limit of what is called `activity`; none where it is nil.
  init(_ limit: Duration?, of activity: String) {
    self.limit = limit
    self.activity = activity
  }

  /// Runs the body.
  ///
  /// - Throws: `ImportError` of code `timeout` where it is not done in time, and is cancelled; else what the body throws.
  func run<Result: Sendable>(_ body: @escaping @Sendable () async throws -> Result) async throws -> Result {
    guard let limit else { return try await body() }
    return try await withThrowingTaskGroup(of: Result?.self) { group in
      group.addTask { try await body() }
      group.addTask {
        try await Task.sleep(for: limit)
        return nil
      }
      defer { group.cancelAll() }
      guard let result = try await group.next() ?? nil else {
        throw ImportError(
          .timeout, "the \(activity) was not done after \(limit)",
          advice: "what was committed stays: run it again to go on, or give it more time with --timeout")
      }
      return result
    }
  }
}
