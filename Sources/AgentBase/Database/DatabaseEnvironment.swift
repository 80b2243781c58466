// The databases that the environment names.

public import Foundation

extension DatabaseConfiguration {
  /// The databases that the environment names: `DATABASE_URL` is `main`, and `WALMART_DATABASE_URL` is `walmart`.
  ///
  /// A URL is `postgresql://…`, or `sqlite:///file` with a path below the working folder (`sqlite:////file` with one from the
  /// root). Without any URL, the variables of guide 5 do: `DATABASE_TYPE=postgresql`, `POSTGRES_DB` for `main` and
  /// `POSTGRES_WALMART_DB` for `walmart`, with `POSTGRES_HOST`, `POSTGRES_PORT`, `POSTGRES_USER` and `POSTGRES_PASSWORD`; or
  /// `DATABASE_TYPE=sqlite`, with `SQLITE_PATH` and `WALMART_SQLITE_PATH`.
  ///
  /// - Throws: `AgentBaseError` of the code `invalidConfiguration`, which names the variable that is unset or wrong.
  public static func all(
    in environment: [String: String] = ProcessInfo.processInfo.environment
  ) throws(AgentBaseError) -> [DatabaseConfiguration] {
    let found: [DatabaseConfiguration]
    switch environment["DATABASE_TYPE"] {
    case nil, "postgresql"?, "postgres"?:
      let urls = try names(in: environment, prefix: "", suffix: "DATABASE_URL")
      found =
        urls.isEmpty
        ? try postgresParts(environment)
        : try urls.map { (found) throws(AgentBaseError) in
          DatabaseConfiguration(name: found.name, try backend(url: found.value, found.variable))
        }
    case "sqlite"?:
      found = try names(in: environment, prefix: "", suffix: "SQLITE_PATH").map {
        DatabaseConfiguration(name: $0.name, .sqliteFile($0.value))
      }
    case .some(let other):
      throw AgentBaseError(
        .invalidConfiguration, "DATABASE_TYPE is \"\(other.prefix(40))\", which is no kind of database",
        advice: "Set it to postgresql, or to sqlite.")
    }
    guard !found.isEmpty else {
      let isSQLite = environment["DATABASE_TYPE"] == "sqlite"
      throw AgentBaseError(
        .invalidConfiguration, "\(isSQLite ? "SQLITE_PATH" : "DATABASE_URL") is not set",
        advice: isSQLite
          ? "Set it to the path of the file."
          : "Set it to a URL such as postgresql://user@host:5432/database.")
    }
    return found
  }

  /// The variable that names a database.
  static func variable(for name: String) -> String {
    name == "main" ? "DATABASE_URL" : "\(name.uppercased())_DATABASE_URL"
  }

  /// The variables of one kind, with the names of their databases, in the order of these.
  private static func names(
    in environment: [String: String], prefix: String, suffix: String
  ) throws(AgentBaseError) -> [(name: String, variable: String, value: String)] {
    var found: [(name: String, variable: String, value: String)] = []
    for (variable, value) in environment.sorted(by: { $0.key < $1.key }) {
      guard variable.hasPrefix(prefix), variable.hasSuffix(suffix) else { continue }
      let middle = variable.dropFirst(prefix.count).dropLast(suffix.count)
      // The path of an agent's own file is not an application's database.
      guard middle.isEmpty || middle.hasSuffix("_") && middle != "AGENT_" else { continue }
      guard !value.isEmpty else {
        throw AgentBaseError(.invalidConfiguration, "\(variable) is empty", advice: "Set it, or unset it.")
      }
      found.append((middle.isEmpty ? "main" : middle.dropLast().lowercased(), variable, value))
    }
    return found
  }

  /// The backend of a URL, which is never shown: it may hold a password.
  private static func backend(url: String, _ variable: String) throws(AgentBaseError) -> MemoryBackend {
    if url.hasPrefix("postgres://") || url.hasPrefix("postgresql://") { return .postgres(url: url) }
    if url.hasPrefix("sqlite:///"), url.count > "sqlite:///".count {
      return .sqliteFile(String(url.dropFirst("sqlite:///".count)))
    }
    throw AgentBaseError(
      .invalidConfiguration, "\(variable) is no URL of a database",
      advice: "It begins with postgresql://, as in postgresql://user@host:5432/database, or with sqlite:///.")
  }

  /// The databases of a server that is named in parts.
  private static func postgresParts(
    _ environment: [String: String]
  ) throws(AgentBaseError) -> [DatabaseConfiguration] {
    let databases = try names(in: environment, prefix: "POSTGRES_", suffix: "DB")
    guard !databases.isEmpty else { return [] }
    if let port = environment["POSTGRES_PORT"], UInt16(port) == nil {
      throw AgentBaseError(.invalidConfiguration, "POSTGRES_PORT is not a number", advice: "Set it to 5432.")
    }
    let parts = [("host", "HOST"), ("port", "PORT"), ("user", "USER"), ("password", "PASSWORD")]
    let server = parts.compactMap { keyword, variable in
      environment["POSTGRES_\(variable)"].map { "\(keyword)=\(quoted($0))" }
    }
    return databases.map {
      DatabaseConfiguration(
        name: $0.name, .postgres(url: (server + ["dbname=\(quoted($0.value))"]).joined(separator: " ")))
    }
  }

  /// A value of a connection string (PostgreSQL manual, "Keyword/Value Connection Strings").
  private static func quoted(_ value: String) -> String {
    "'" + value.replacing("\\", with: "\\\\").replacing("'", with: "\\'") + "'"
  }
}
