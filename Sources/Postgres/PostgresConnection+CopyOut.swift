import CPostgres
extension PostgresConnection {
  func nextCopyRow(_ link: Link) async throws(PostgresError) -> Int? { nil }
}
