// Errors of every layer as the user reads them: one or two lines, and the exit code.

internal import AgentBase
internal import LegacyImport
internal import Migrations
internal import Postgres
internal import SQLite

/// Why a verb ended without its work done.
struct Failure: Error {
  /// What failed, for which file, table or variable.
  let message: String
  /// What to do.
  let advice: String?
  let exitCode: ExitCode

  init(_ message: String, advice: String?, exitCode: ExitCode = .failed) {
    self.message = message
    self.advice = advice
    self.exitCode = exitCode
  }

  /// An error of any layer.
  init(_ error: any Error, verb: String?) {
    switch error {
    case let failure as Failure: self = failure
    case let error as UsageError:
      let help = verb.map { "agentbase \($0) --help tells the options" } ?? "agentbase --help tells more"
      self.init(error.message, advice: error.advice ?? help, exitCode: .wrongUsage)
    case let error as ImportError: self.init(error.message, advice: error.advice)
    case let error as PostgresError: self = PostgresAdvice.failure(error)
    case let error as AgentBaseError: self = Self.ofLibrary(error)
    case let error as MigrationError: self.init(error.message, advice: error.advice)
    case is CancellationError: self.init("the work was cancelled: what was under way is undone", advice: nil)
    default: self.init(String(describing: error), advice: nil)
    }
  }

  /// The library's error; where the driver's lies below it, the driver's advice where the library has none.
  private static func ofLibrary(_ error: AgentBaseError) -> Failure {
    let below = (error.underlying as? PostgresError).flatMap(PostgresAdvice.advice)
    var bare = error
    bare.advice = nil
    return Failure(bare.description, advice: error.advice ?? below)
  }

  /// One or two lines.
  var text: String {
    let lines = message.split(separator: "\n", omittingEmptySubsequences: true)
    guard let first = lines.first else { return "agentbase: failed" }
    let rest = lines.dropFirst().map(String.init) + (advice.map { [$0] } ?? [])
    let second = rest.joined(separator: "; ").split(separator: "\n").joined(separator: " ")
    return "agentbase: \(first)" + (second.isEmpty ? "" : "\n  \(second)")
  }

  /// The failure as the document that `--json` promises.
  var json: JSON {
    let removed = Secrets.ofProcess.removed
    return [
      "error": [
        "message": .string(removed(message)), "advice": advice.map { .string(removed($0)) } ?? .null,
        "exit_code": .integer(exitCode.rawValue),
      ]
    ]
  }
}
