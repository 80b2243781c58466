// An agent's tools, metrics, executions and searches while it is cut over.

extension DualStore {
  // MARK: - Tools

  func register(_ draft: ToolDraft) async throws { try await writing { try await $0.register(draft) } }

  func tools() async throws -> [AgentTool] { try await reading { try await $0.tools() } }

  func tool(named name: String) async throws -> AgentTool? {
    try await reading { try await $0.tool(named: name) }
  }

  func countUses(ofTool name: String, _ uses: ToolCounts) async throws -> Bool {
    try await writing { try await $0.countUses(ofTool: name, uses) }
  }

  func setTool(_ name: String, isEnabled: Bool) async throws -> Bool {
    try await writing { try await $0.setTool(name, isEnabled: isEnabled) }
  }

  func deleteTool(named name: String) async throws -> Bool {
    try await writing { try await $0.deleteTool(named: name) }
  }

  // MARK: - Metrics

  func record(_ drafts: [MetricDraft]) async throws { try await writing { try await $0.record(drafts) } }

  func metrics(_ query: MetricQuery) async throws -> [Placed<AgentMetric>] {
    try await reading { try await $0.metrics(query) }
  }

  func buckets(_ aggregate: MetricAggregate) async throws -> [MetricBucket] {
    try await reading { try await $0.buckets(aggregate) }
  }

  // MARK: - Executions

  func begin(_ draft: ExecutionDraft) async throws { try await writing { try await $0.begin(draft) } }

  func end(_ end: ExecutionEnd) async throws -> Bool { try await writing { try await $0.end(end) } }

  func executions(_ query: ExecutionQuery) async throws -> [Placed<AgentExecution>] {
    try await reading { try await $0.executions(query) }
  }

  func statistics(_ count: ExecutionCount) async throws -> ExecutionStatistics {
    try await reading { try await $0.statistics(count) }
  }

  // MARK: - Searches

  func hits(_ search: WordSearch) async throws -> HitPage { try await reading { try await $0.hits(search) } }

  func hits(_ search: VectorSearch) async throws -> HitPage {
    try await reading { try await $0.hits(search) }
  }

  func spaces() async throws -> [StoredSpace] { try await reading { try await $0.spaces() } }

  func declare(_ spaces: [StoredSpace]) async throws -> [StoredSpace] {
    try await writing { try await $0.declare(spaces) }
  }

  func set(_ space: StoredSpace) async throws { try await writing { try await $0.set(space) } }

  func prepareIndex(_ space: StoredSpace) async throws -> Bool {
    try await writing { try await $0.prepareIndex(space) }
  }

  func embeddedMemories(in scope: MemoryScope, after: MemoryName?, limit: Int) async throws -> [Memory] {
    try await reading { try await $0.embeddedMemories(in: scope, after: after, limit: limit) }
  }

  func replace(_ embeddings: [NewEmbedding]) async throws -> Int {
    try await writing { try await $0.replace(embeddings) }
  }
}
