// The Postgres that a verb works on.

internal import Postgres

/// The target's connection string, checked as far as that is possible without a connection.
struct PostgresTarget: Sendable {
  /// The URL or keyword string. It may hold a password: it is never printed.
  let url: String
  let configuration: PostgresConfiguration

  init(_ arguments: Arguments) throws(UsageError) {
    try self.init(url: try arguments.required(.postgresURL), arguments)
  }

  /// The target, where one is given.
  static func optional(
    _ arguments: Arguments, _ option: Option<String> = .postgresURL
  ) throws(UsageError) -> PostgresTarget? {
    guard let url = try arguments.value(option) else { return nil }
    return try PostgresTarget(url: url, arguments)
  }

  private init(url: String, _ arguments: Arguments) throws(UsageError) {
    self.url = url
    do {
      configuration = try PostgresConfiguration(url)
    } catch {
      let isGiven = arguments.has(Option.postgresURL.declaration)
      throw UsageError(
        "\(isGiven ? "--postgres-url" : "the environment variable DATABASE_URL"): \(error.message)",
        advice: "expected postgresql://user:password@host:5432/database")
    }
  }
}
