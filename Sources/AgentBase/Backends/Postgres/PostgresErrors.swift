// The driver's errors in the library's words, with what to do about them.

import Postgres

extension AgentBaseError {
  /// What a call on Postgres failed with: `CancellationError` where its task was cancelled, else an `AgentBaseError`.
  static func of(_ error: any Error) -> any Error {
    guard let error = error as? PostgresError else { return error }
    return error.code == .cancelled ? CancellationError() : AgentBaseError(error)
  }

  /// The error of the driver.
  init(_ error: PostgresError) {
    let (code, advice) = Self.reading(of: error)
    // A second line of the driver is the server's hint: it stands where we know nothing better.
    let lines = error.description.split(separator: "\n", maxSplits: 1).map(String.init)
    self.init(
      code, lines.first ?? "Postgres failed", advice: advice ?? lines.dropFirst().first,
      // The trigger that refuses a write names the agent there.
      agent: code == .moved ? error.server?.detail : nil, underlying: error,
      isSafeToRetry: error.isSafeToRetry)
  }

  private static func reading(of error: PostgresError) -> (Code, advice: String?) {
    switch error.code {
    case .invalidConfiguration: (.invalidConfiguration, "Correct the URL of Postgres (DATABASE_URL).")
    case .connectionFailed, .timedOut: (.unavailable, connectionAdvice(error.sqlState))
    case .connectionLost:
      (.unavailable, error.isSafeToRetry ? nil : "It is not known whether the call took effect.")
    case .poolExhausted:
      (
        .unavailable,
        "Raise maximumConnections or waitLimit of the config, or check that the server can be reached."
      )
    case .poolClosed: (.closed, nil)
    case .encoding: (.invalidValue, nil)
    case .server: serverReading(error.sqlState)
    default: (.database, nil)
    }
  }

  private static func connectionAdvice(_ state: SQLState?) -> String {
    switch state {
    case .invalidPassword?, "28000"?:
      "Check the user and the password in DATABASE_URL, and pg_hba.conf on the server."
    case .invalidCatalogName?: "Create the database with createdb, or correct its name in DATABASE_URL."
    case .tooManyConnections?: "Close other connections, or raise max_connections on the server."
    case .cannotConnectNow?: "The server is starting or stopping: try again in a moment."
    default: "Check that the server runs, and host and port in DATABASE_URL."
    }
  }

  private static func serverReading(_ state: SQLState?) -> (Code, advice: String?) {
    switch state {
    case .insufficientPrivilege?:
      (.permission, "Ask the owner of the tables for SELECT, INSERT, UPDATE and DELETE on them.")
    case "AB002"?:
      (.moved, "Use .dual as its backend (AGENT_MEMORY_BACKEND): it goes to the side that decides.")
    case "AB001"?:
      (
        .wrongDimensions,
        "Use the embedder that made the others, or change them all with changeEmbedding(to:)."
      )
    case .undefinedTable?, .undefinedColumn?, .undefinedFunction?:
      (
        .schema,
        "The tables were removed or changed since the agent was opened: open it again to create them."
      )
    // Program limits, as of the size of a jsonb.
    case "54000"?, "54001"?: (.invalidValue, nil)
    // A serialization failure, a deadlock.
    case let state? where state.conditionClass == "40":
      (.database, "Try the transaction again, or let it be tried with isRetryable.")
    case let state? where state.conditionClass == "57": (.unavailable, nil)
    case let state? where state.conditionClass == "53": (.unavailable, nil)
    default: (.database, nil)
    }
  }
}
