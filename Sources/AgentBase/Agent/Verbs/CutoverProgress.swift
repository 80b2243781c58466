// Where the cut-over of an agent stands.

extension AgentOperations {
  /// Where the cut-over of the agent from SQLite to Postgres stands, and how many changes wait to be carried; nil where there
  /// is none, and on Postgres.
  ///
  /// - Throws: `AgentBaseError`.
  @concurrent public func cutoverStatus() async throws -> CutoverStatus? {
    try await withStore { try await $0.cutoverStatus() }
  }
}
