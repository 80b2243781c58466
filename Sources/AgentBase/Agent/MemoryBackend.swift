// Where an agent keeps what it knows, chosen in code or by the environment.

public import Foundation

/// The database behind an agent.
public struct MemoryBackend: Sendable, Hashable {
  /// The databases that there are.
  enum Kind: Sendable, Hashable {
    case sqlite(path: String)
    case postgres(url: String)
    case dual(sqlitePath: String, url: String)
  }

  let kind: Kind

  private init(_ kind: Kind) { self.kind = kind }

  /// Postgres, by a URL (`postgresql://user@host/database`) or another connection string of libpq.
  public static func postgres(url: String) -> MemoryBackend { MemoryBackend(.postgres(url: url)) }

  /// A SQLite file, as it is; one that is not there is made.
  @available(
    *, deprecated,
    message: "SQLite is on its way out: move the file with `agentbase import` and use .postgres(url:)"
  )
  public static func sqlite(path: String) -> MemoryBackend { .sqliteFile(path) }

  /// A SQLite file, for this package's own command and tests, which cannot do without it yet.
  package static func sqliteFile(_ path: String) -> MemoryBackend { MemoryBackend(.sqlite(path: path)) }

  /// A SQLite file and Postgres, while the agent is cut over from one to the other: the phase, which the file holds and
  /// `agentbase cutover set` changes, says which of them decides. Before the first phase is set, it is the file alone.
  public static func dual(sqlitePath: String, url: String) -> MemoryBackend {
    MemoryBackend(.dual(sqlitePath: sqlitePath, url: url))
  }

  /// Whether this is a SQLite file.
  public var isSQLite: Bool { if case .sqlite = kind { true } else { false } }

  // MARK: - The environment

  /// The names of the variables.
  public enum Variable {
    /// Which backend: `postgres`, `sqlite` or `dual`.
    public static let backend = "AGENT_MEMORY_BACKEND"
    /// The URL of Postgres.
    public static let url = "DATABASE_URL"
    /// The path of the SQLite file.
    public static let path = "AGENT_SQLITE_PATH"
  }

  /// The backend that the environment names: `AGENT_MEMORY_BACKEND`, and `DATABASE_URL` or `AGENT_SQLITE_PATH` with it, or both for `dual`.
  ///
  /// - Throws: `AgentBaseError` of the code `invalidConfiguration`, which names the variable that is unset or wrong: there is
  ///   no default.
  public init(environment: [String: String] = ProcessInfo.processInfo.environment) throws(AgentBaseError) {
    let advice = "Set it to postgres, to sqlite, or to dual."
    switch try Self.value(of: Variable.backend, in: environment, advice: advice) {
    case "postgres": self = .postgres(url: try Self.url(in: environment))
    case "sqlite":
      self = .sqliteFile(try Self.path(in: environment))
    case "dual":
      self = .dual(sqlitePath: try Self.path(in: environment), url: try Self.url(in: environment))
    case let other:
      throw AgentBaseError(
        .invalidConfiguration, "\(Variable.backend) is \"\(other.prefix(40))\", which is no backend",
        advice: advice)
    }
  }

  private static func path(in environment: [String: String]) throws(AgentBaseError) -> String {
    try value(of: Variable.path, in: environment, advice: "Set it to the path of the agent's SQLite file.")
  }

  private static func url(in environment: [String: String]) throws(AgentBaseError) -> String {
    let url = try value(
      of: Variable.url, in: environment,
      advice: "Set it to a URL such as postgresql://user@host:5432/database.")
    // The value is not shown: it may hold a password.
    guard url.hasPrefix("postgres://") || url.hasPrefix("postgresql://") || url.contains("=") else {
      throw AgentBaseError(
        .invalidConfiguration, "\(Variable.url) is no Postgres URL",
        advice: "It begins with postgresql://, as in postgresql://user@host:5432/database.")
    }
    return url
  }

  private static func value(
    of variable: String, in environment: [String: String], advice: String
  ) throws(AgentBaseError) -> String {
    guard let value = environment[variable], !value.isEmpty else {
      throw AgentBaseError(
        .invalidConfiguration, "\(variable) is \(environment[variable] == nil ? "not set" : "empty")",
        advice: advice)
    }
    return value
  }
}
