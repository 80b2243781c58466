// An agent that has Postgres alone is in no cut-over.

extension PostgresStore {
  func cutoverStatus() async throws -> CutoverStatus? { nil }
}
