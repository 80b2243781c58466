// Finds the staged rows that a table's own constraints refuse, whatever other tables hold.

import Postgres

/// A copy of a table without its keys, with its checks.
struct ConstraintProbe: Sendable {
  let table: StagingTable
  let connection: PostgresConnection

  private var name: String { "pg_temp." + PostgresIdentifier.quoted(table.name + "_probe") }

  /// Makes it, for the time of the transaction. Columns that the source lacks have no defaults in it, and take NULL.
  func make() async throws {
    let target = table.route.target
    let given = Set(table.route.columns.map(\.target.number))
    try await connection.execute(PostgresStatement(sql: "DROP TABLE IF EXISTS \(name)"))
    try await connection.execute(
      PostgresStatement(
        sql:
          "CREATE TEMPORARY TABLE \(PostgresIdentifier.quoted(table.name + "_probe")) (LIKE \(target.sql) INCLUDING CONSTRAINTS INCLUDING GENERATED) ON COMMIT DROP"
      ))
    for column in target.columns
    where column.isNotNull && !column.isGenerated && !given.contains(column.number) {
      try await connection.execute(
        PostgresStatement(
          sql: "ALTER TABLE \(name) ALTER \(PostgresIdentifier.quoted(column.name)) DROP NOT NULL"))
    }
  }

  /// The places among these whose rows are refused, with the reasons; they are taken out of the staging table.
  func refused(_ places: ClosedRange<Int>) async throws -> [(place: Int, reason: String)] {
    let range = "\(StagingTable.place) BETWEEN \(places.lowerBound) AND \(places.upperBound)"
    let values = table.route.columns.map { table.value(of: $0, in: "new") }.joined(separator: ", ")
    do {
      try await connection.transaction { connection in
        try await connection.execute(
          PostgresStatement(
            sql:
              "INSERT INTO \(name) (\(table.route.columnList)) OVERRIDING SYSTEM VALUE SELECT \(values) FROM \(table.sql) AS new WHERE \(range)"
          ))
      }
      return []
    } catch let error as PostgresError where error.isAboutARow {
      guard places.count == 1 else {
        let middle = places.lowerBound + places.count / 2
        return try await refused(places.lowerBound...(middle - 1)) + refused(middle...places.upperBound)
      }
      try await connection.execute(PostgresStatement(sql: "DELETE FROM \(table.sql) WHERE \(range)"))
      let reason = error.serverMessage.replacing(table.name + "_probe", with: table.route.target.name)
      return [(places.lowerBound, reason)]
    }
  }
}
