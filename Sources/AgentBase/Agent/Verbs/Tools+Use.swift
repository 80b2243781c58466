// What is kept of the uses of a tool.

extension AgentOperations {
  /// Counts that a tool was used.
  ///
  /// - Parameters:
  ///   - count: how many times.
  ///   - succeeded: whether the uses went well; nil where that is not known.
  ///   - duration: how long they took together; nil where that is not known.
  /// - Throws: `AgentBaseError` of the code `unknownTool` where there is no such tool.
  @concurrent public func recordToolUse(
    _ name: String, count: Int = 1, succeeded: Bool? = nil, duration: Duration? = nil
  ) async throws {
    try await withStore(key: name) { store in
      guard (1...1_000_000_000).contains(count) else {
        throw AgentBaseError(.invalidValue, "the count \(count) is not from 1 to 1000000000")
      }
      if let duration, duration < .zero {
        throw AgentBaseError(.invalidValue, "the duration is less than zero")
      }
      let number = Int64(count)
      let uses = ToolCounts(
        uses: number, successes: succeeded == true ? number : 0, failures: succeeded == false ? number : 0,
        timed: duration == nil ? 0 : number, milliseconds: duration?.milliseconds ?? 0,
        lastUsed: Timestamp.now.microseconds)
      try Self.require(
        name.utf8.contains(0) ? false : try await store.countUses(ofTool: name, uses))
    }
  }

  /// Uses a tool: runs the body, and records the use with its outcome and duration. A use that was cancelled has no outcome.
  ///
  /// - Throws: what the body throws; `AgentBaseError` of the code `unknownTool` where there is no such tool and
  ///   `disabledTool` where it is switched off, before the body runs, or another where the use cannot be recorded.
  @concurrent public func withTool<Output>(_ name: String, _ body: () async throws -> Output) async throws
    -> Output
  {
    let tool = try await tool(name)
    try await withStore(key: name) { _ in
      try Self.require(tool != nil)
      guard tool?.isEnabled == true else {
        throw AgentBaseError(
          .disabledTool, "the tool is switched off", advice: "Switch it on with setTool(_:isEnabled:).")
      }
    }
    let start = ContinuousClock.now
    let output: Output
    do {
      output = try await body()
    } catch {
      let duration = ContinuousClock.now - start
      let succeeded: Bool? = error is CancellationError ? nil : false
      // The record is made in a task of its own: that of a cancelled task could not be written.
      await Task { try? await recordToolUse(name, succeeded: succeeded, duration: duration) }.value
      throw error
    }
    let duration = ContinuousClock.now - start
    try await Task { try await recordToolUse(name, succeeded: true, duration: duration) }.value
    return output
  }

  /// A page of the tools, the one used last first; those that never were come last, by the bytes of their names.
  ///
  /// - Parameters:
  ///   - limit: the most that are answered, from 1 to 10,000.
  ///   - after: `next` of the page before.
  @concurrent public func toolsPage(limit: Int = 100, after: RecordCursor? = nil) async throws -> RecordPage<
    AgentTool
  > {
    try await withStore { store in
      try Self.check(limit: limit)
      let place = try after?.place()
      let listed = try await store.tools()
        .map { Placed(record: $0, place: RecordPlace(usedTool: $0)) }
        .filter { tool in place.map { $0.precedes(tool.place) } ?? true }
        .sorted { $0.place.precedes($1.place) }
      return RecordPage(Array(listed.prefix(limit + 1)), limit: limit)
    }
  }

  /// All tools, the one used last first.
  public func allToolsByLastUse() -> RecordSequence<AgentTool> {
    RecordSequence { try await toolsPage(limit: 1000, after: $0) }
  }
}

extension RecordPlace {
  /// Where a tool stands among those that were used.
  fileprivate init(usedTool tool: AgentTool) {
    self.init(time: tool.lastUsedAt.flatMap { Timestamp($0)?.microseconds }, tie: tool.name)
  }

  /// Whether a tool of this place is listed before one of the other: by the time of its last use, then by its name.
  fileprivate func precedes(_ other: RecordPlace) -> Bool {
    if time != other.time { return time ?? .min > other.time ?? .min }
    return ExactText(tie) < ExactText(other.tie)
  }
}

extension AgentBaseError.Code {
  /// The tool is switched off.
  public static let disabledTool = AgentBaseError.Code(rawValue: "disabledTool")
}
