// What to do about what Postgres says: guide 1's and guide 2's troubleshooting, by the server's code.

internal import Postgres

/// Words for the faults that users meet.
enum PostgresAdvice {
  /// The failure as a user reads it.
  static func failure(_ error: PostgresError) -> Failure {
    let message =
      switch error.code {
      case .connectionFailed: "cannot connect to Postgres: \(trimmed(error.message))"
      case .timedOut where error.sql == nil: "cannot connect to Postgres: \(trimmed(error.message))"
      case .connectionLost: "the connection to Postgres was lost: \(trimmed(error.message))"
      default: error.description
      }
    return Failure(message, advice: advice(error))
  }

  /// What to do; nil where there is nothing to say.
  static func advice(_ error: PostgresError) -> String? {
    if let state = error.sqlState, let advice = advice(state, error) { return advice }
    switch error.code {
    case .connectionFailed, .timedOut: return connectionAdvice(error.message)
    case .connectionLost: return "run it again: what was done is kept, and nothing is done twice"
    default: return nil
    }
  }

  private static func advice(_ state: SQLState, _ error: PostgresError) -> String? {
    switch state {
    case .invalidPassword:
      "check user and password in DATABASE_URL; percent-encode special characters, as %40 for @"
    case .invalidCatalogName: "make the database (createdb), or correct the name in DATABASE_URL"
    case .insufficientPrivilege:
      "the user needs CREATE on the schema, and SELECT, INSERT, UPDATE, DELETE on the tables; agentbase doctor tells which"
    case .undefinedTable:
      "agentbase import makes the tables; check search_path where they are in another schema"
    case .tooManyConnections: "wait, close other clients, or raise the server's max_connections"
    case .cannotConnectNow: "the server is starting or stopping: try again in a moment"
    case "28000": authorizationAdvice(error.message)
    case "53100": "free space on the server's disk, and run it again: nothing is done twice"
    case "25006": "this server is read-only (a standby?): connect to the primary"
    default: nil
    }
  }

  private static func authorizationAdvice(_ message: String) -> String {
    if message.contains("no encryption") || message.contains("SSL off") {
      return "the server wants TLS, or does not admit this host: add ?sslmode=require to DATABASE_URL"
    }
    if message.contains("pg_hba.conf") {
      return "the server's pg_hba.conf does not admit this user from here"
    }
    if message.contains("does not exist") {
      return "make the user (createuser), or correct it in DATABASE_URL"
    }
    return "check the user in DATABASE_URL, and the server's pg_hba.conf"
  }

  private static func connectionAdvice(_ message: String) -> String {
    let cases: [(words: [String], advice: String)] = [
      (
        ["no password supplied"],
        "give the password in DATABASE_URL, PGPASSWORD or a password file (~/.pgpass)"
      ),
      (["certificate"], "check sslmode, sslrootcert and the server's certificate"),
      (["does not support SSL"], "the server has no TLS: use sslmode=prefer or disable"),
      (["SSL"], "check sslmode in DATABASE_URL, and TLS on the server"),
      (["invalid "], "correct this parameter in DATABASE_URL"),
      (
        ["could not translate host name", "Name or service not known"], "check the host name in DATABASE_URL"
      ),
      (
        ["Permission denied"],
        "the Unix socket does not let this user in: check the folder's rights, or connect by TCP"
      ),
    ]
    return cases.first { $0.words.contains { message.contains($0) } }?.advice
      ?? "check that PostgreSQL is running, host and port in DATABASE_URL, and the network between"
  }

  /// libpq's text in one line, without its questions.
  private static func trimmed(_ message: String) -> String {
    message.split(separator: "\n").filter { !$0.hasPrefix("\t") }.joined(separator: "; ")
  }
}
