// What an agent does: executions of tasks, from their beginning to their end.

public import Foundation

extension AgentOperations {
  /// Records that a task begins.
  ///
  /// - Parameters:
  ///   - task: what kind of task it is.
  ///   - input: what it is given.
  /// - Returns: the handle that its end is recorded with.
  @concurrent public func beginExecution(
    _ task: String, input: (some Encodable & Sendable)? = JSON?.none, metadata: JSONObject = [:]
  ) async throws -> ExecutionHandle {
    try await withStore(key: task) { store in
      try StoredLimits.check(task, "task", with: id)
      try JSONLimits.check(.object(metadata))
      let handle = ExecutionHandle(id: TimeOrderedUUID.make(), task: task, start: .now)
      try await store.begin(
        ExecutionDraft(
          id: handle.id, task: task, inputText: try input.map { try MemoryValue.storedText(of: $0) },
          metadata: metadata))
      return handle
    }
  }

  /// Records that a task has ended well.
  ///
  /// - Throws: `AgentBaseError` of the code `notRunning` where its end is recorded already.
  @concurrent public func finishExecution(
    _ handle: ExecutionHandle, output: (some Encodable & Sendable)? = JSON?.none
  ) async throws {
    try await end(handle, status: .completed, output: output, error: nil)
  }

  /// Records that a task has failed.
  ///
  /// - Throws: `AgentBaseError` of the code `notRunning` where its end is recorded already.
  @concurrent public func failExecution(_ handle: ExecutionHandle, message: String) async throws {
    try await end(handle, status: .failed, output: JSON?.none, error: message)
  }

  /// Runs a task and records its beginning and its end: completed with its result, failed with its error, or cancelled.
  ///
  /// - Throws: what `body` throws; `AgentBaseError` where the beginning, or the end of a task that went well, cannot be recorded.
  @discardableResult
  @concurrent public func withExecution<Output: Encodable & Sendable>(
    _ task: String, input: (some Encodable & Sendable)? = JSON?.none, metadata: JSONObject = [:],
    _ body: () async throws -> Output
  ) async throws -> Output {
    let handle = try await beginExecution(task, input: input, metadata: metadata)
    let output: Output
    do {
      output = try await body()
    } catch {
      // The record is made in a task of its own: that of a cancelled task could not be written.
      let isCancelled = error is CancellationError
      let message = isCancelled ? "cancelled" : "\(error)"
      await Task {
        try? await end(
          handle, status: isCancelled ? .cancelled : .failed, output: JSON?.none, error: message)
      }.value
      throw error
    }
    // What is done is done, even if the task was cancelled meanwhile: its record is made all the same.
    try await Task { try await finishExecution(handle, output: output) }.value
    return output
  }

  /// As the other, of a task that answers nothing.
  @concurrent public func withExecution(
    _ task: String, input: (some Encodable & Sendable)? = JSON?.none, metadata: JSONObject = [:],
    _ body: () async throws -> Void
  ) async throws {
    _ = try await withExecution(task, input: input, metadata: metadata) {
      try await body()
      return JSON.null
    }
  }

  /// Executions, the newest first; those without a time come last.
  ///
  /// - Parameters:
  ///   - task: nil for all.
  ///   - status: nil for all.
  ///   - since: the earliest beginning; nil for all, those without a time included.
  ///   - limit: the most that are answered, from 1 to 10,000.
  @concurrent public func executions(
    task: String? = nil, status: AgentExecution.Status? = nil, since: Date? = nil, limit: Int = 100
  ) async throws -> [AgentExecution] {
    try await withStore(key: task) { store in
      try Self.check(limit: limit)
      guard Self.canExist(task, status) else { return [] }
      return try await store.executions(
        ExecutionQuery(
          task: task, status: status, range: try RecordRange(from: since, to: nil), limit: limit)
      ).map(\.record)
    }
  }

  /// A page of executions, the newest first; those without a time come last.
  ///
  /// - Parameters:
  ///   - task: nil for all.
  ///   - status: nil for all.
  ///   - from: the earliest beginning; nil for any, those without a time included where `to` is nil too.
  ///   - to: the first beginning that is too late; nil for any.
  ///   - limit: the most that are answered, from 1 to 10,000.
  ///   - after: `next` of the page before.
  @concurrent public func executionsPage(
    task: String? = nil, status: AgentExecution.Status? = nil, from: Date? = nil, to: Date? = nil,
    limit: Int = 100, after: RecordCursor? = nil
  ) async throws -> RecordPage<AgentExecution> {
    try await withStore(key: task) { store in
      try Self.check(limit: limit)
      guard Self.canExist(task, status) else { return RecordPage(records: []) }
      return RecordPage(
        try await store.executions(
          ExecutionQuery(
            task: task, status: status, range: try RecordRange(from: from, to: to),
            after: try after?.place(), limit: limit + 1)), limit: limit)
    }
  }

  /// All executions, the newest first, read page by page.
  public func allExecutions(
    task: String? = nil, status: AgentExecution.Status? = nil, from: Date? = nil, to: Date? = nil
  ) -> RecordSequence<AgentExecution> {
    RecordSequence {
      try await executionsPage(task: task, status: status, from: from, to: to, limit: 1000, after: $0)
    }
  }

  /// How many executions there are of each status, and how long they took.
  ///
  /// - Parameters:
  ///   - task: nil for all.
  ///   - from: the earliest beginning; nil for any, those without a time included where `to` is nil too.
  ///   - to: the first beginning that is too late; nil for any.
  ///   - percentiles: which of the durations to compute, from 0 to 1.
  @concurrent public func executionStatistics(
    task: String? = nil, from: Date? = nil, to: Date? = nil, percentiles: [Double] = []
  ) async throws -> ExecutionStatistics {
    try await withStore(key: task) { store in
      try NumberSummary.check(percentiles)
      guard Self.canExist(task, nil) else {
        return ExecutionStatistics(total: 0, counts: [:], durationsByStatus: [:])
      }
      return try await store.statistics(
        ExecutionCount(task: task, range: try RecordRange(from: from, to: to), percentiles: percentiles))
    }
  }

  /// Whether there can be executions of this task and status: Postgres cannot even be asked for a NUL.
  private static func canExist(_ task: String?, _ status: AgentExecution.Status?) -> Bool {
    task?.utf8.contains(0) != true && status?.rawValue.utf8.contains(0) != true
  }

  private func end(
    _ handle: ExecutionHandle, status: AgentExecution.Status, output: (some Encodable & Sendable)?,
    error: String?, verb: StaticString = #function
  ) async throws {
    let milliseconds = (ContinuousClock.now - handle.start).milliseconds
    try await withStore(key: handle.task, verb: verb) { store in
      let end = ExecutionEnd(
        id: handle.id, status: status, outputText: try output.map { try MemoryValue.storedText(of: $0) },
        errorMessage: error?.replacing("\0", with: "\u{FFFD}"), durationMilliseconds: milliseconds)
      guard try await store.end(end) else {
        throw AgentBaseError(
          .notRunning, "the execution \(handle.id) is not running",
          advice: "Its end was recorded before, or its row was removed.")
      }
    }
  }
}
