// The databases that an environment names, and the texts of statements.

import Testing

@testable import AgentBase

@Suite("Databases in the environment") struct DatabaseEnvironmentTests {
  private func names(_ environment: [String: String]) throws -> [String] {
    try DatabaseConfiguration.all(in: environment).map { configuration in
      switch configuration.backend.kind {
      case .postgres(let url): "\(configuration.name) \(url)"
      case .sqlite(let path): "\(configuration.name) \(path)"
      case .dual: "\(configuration.name) dual"
      }
    }
  }

  @Test("URLs by name")
  func urls() throws {
    #expect(
      try names([
        "DATABASE_URL": "postgresql://h/a", "WALMART_DATABASE_URL": "postgres://h/b",
        "OLD_SHOP_DATABASE_URL": "sqlite:///data/old.db", "ROOT_DATABASE_URL": "sqlite:////var/root.db",
        "MYDATABASE_URL": "x", "POSTGRES_DB": "unused",
      ]) == ["main postgresql://h/a", "old_shop data/old.db", "root /var/root.db", "walmart postgres://h/b"])
  }

  @Test("Guide 5's variables")
  func parts() throws {
    let environment = [
      "DATABASE_TYPE": "postgresql", "POSTGRES_HOST": "localhost", "POSTGRES_PORT": "5432",
      "POSTGRES_DB": "crewai_main", "POSTGRES_WALMART_DB": "crewai_walmart", "POSTGRES_USER": "crewai_user",
      "POSTGRES_PASSWORD": "it's \\ secret",
    ]
    let server = "host='localhost' port='5432' user='crewai_user' password='it\\'s \\\\ secret'"
    #expect(
      try names(environment) == [
        "main \(server) dbname='crewai_main'", "walmart \(server) dbname='crewai_walmart'",
      ])
    var wrong = environment
    wrong["POSTGRES_PORT"] = "secret"
    let error = #expect(throws: AgentBaseError.self) { try names(wrong) }
    #expect(
      error?.description.contains("POSTGRES_PORT") == true && error?.description.contains("secret") == false)
    #expect(
      try names([
        "DATABASE_TYPE": "sqlite", "SQLITE_PATH": "a.db", "WALMART_SQLITE_PATH": "b.db",
        "AGENT_SQLITE_PATH": "agent.db", "DATABASE_URL": "postgresql://h/a",
      ]) == ["main a.db", "walmart b.db"])
  }

  @Test(
    "What is missing or wrong is named, and no value is shown",
    arguments: [
      ([:], "DATABASE_URL"), (["DATABASE_TYPE": "sqlite"], "SQLITE_PATH"),
      (["DATABASE_TYPE": "oracle"], "DATABASE_TYPE"), (["DATABASE_URL": ""], "DATABASE_URL"),
      (["A_DATABASE_URL": "secret"], "A_DATABASE_URL"), (["A_DATABASE_URL": "sqlite:///"], "A_DATABASE_URL"),
    ] as [([String: String], String)])
  func wrong(_ environment: [String: String], _ variable: String) throws {
    let error = #expect(throws: AgentBaseError.self) { try names(environment) }
    #expect(error?.code == .invalidConfiguration && error?.message.contains(variable) == true)
    #expect(error?.description.contains("secret") == false)
  }

  @Test("A statement is one text for each backend, its values apart")
  func statement() {
    let inner: DatabaseStatement = "b = \("x") OR c IN (\(list: [1, 2]))"
    let statement: DatabaseStatement =
      "SELECT * FROM \(identifier: "a\"b") WHERE a = \(1.5) AND (\(inner)) AND d = \(Int?.none)"
    #expect(
      statement.postgresText
        == "SELECT * FROM \"a\"\"b\" WHERE a = $1 AND (b = $2 OR c IN ($3, $4)) AND d = $5")
    #expect(
      statement.sqliteText == "SELECT * FROM \"a\"\"b\" WHERE a = ? AND (b = ? OR c IN (?, ?)) AND d = ?")
    #expect(statement.values == [.real(1.5), .text("x"), .integer(1), .integer(2), .null])
  }
}
