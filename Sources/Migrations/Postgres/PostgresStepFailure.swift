// The driver's errors in the words of this layer.

internal import Postgres

/// Errors of the steps on Postgres.
enum PostgresStepFailure {
  /// Any error of a step; a cancellation as itself.
  static func thrown(_ error: any Error, _ step: PlannedMigration?) -> any Error {
    switch error {
    case let error as PostgresError: error.code == .cancelled ? CancellationError() : self.error(error, step)
    case let error as MigrationError:
      (error.underlying as? PostgresError)?.code == .cancelled ? CancellationError() : error
    case is CancellationError: error
    default:
      MigrationError(
        .checkFailed,
        "the caller's check \(step.map { "after step \($0.migration.label)" } ?? "of the schema") failed: \(error)",
        version: step?.migration.version, underlying: error)
    }
  }

  /// The driver's error.
  static func error(_ error: PostgresError, _ step: PlannedMigration?, line: Int? = nil) -> MigrationError {
    let label = step.map { "step \($0.migration.label)" } ?? "the schema"
    let lines = error.description.split(separator: "\n", maxSplits: 1).map(String.init)
    let reason = lines.first ?? "Postgres failed"
    switch error.code {
    case .connectionLost, .connectionFailed, .timedOut:
      return MigrationError(
        .connectionLost, "the connection to Postgres was lost at \(label): \(reason)",
        advice: "run it again: what is done is in the version table, and nothing is done twice",
        version: step?.migration.version, underlying: error)
    default:
      return MigrationError(
        step == nil ? .unavailable : .stepFailed,
        "\(label)\(line.map { ", line \($0)" } ?? "") failed: \(reason)", advice: lines.dropFirst().first,
        version: step?.migration.version, line: line, underlying: error)
    }
  }

  /// Another runner did not end in time.
  static func locked(_ error: PostgresError?) -> MigrationError {
    MigrationError(
      .locked, "another runner is at work on the schema of this database, for longer than the limit",
      advice: "try again when it has ended, or raise the limit (--lock-wait)", underlying: error)
  }

  /// The line of a script where the server found an error.
  static func line(of error: PostgresError, in sql: String) -> Int? {
    guard let position = error.server?.position, position > 0 else { return nil }
    return 1 + sql.unicodeScalars.prefix(position - 1).count { $0 == "\n" }
  }
}
