// What a verb is, and which there are.

/// One verb of the command: its declarations, and what it does.
struct Verb: Sendable {
  let name: String
  /// What it does, in one line.
  let summary: String
  /// Its operands, each as help prints it: the words and what they do. A verb without them takes none.
  var operands: [(words: String, help: String)] = []
  var options: [OptionDeclaration] = []
  /// What a user should know beside the options.
  var notes: [String] = []
  let run: @Sendable (Arguments) async throws -> ExitCode

  /// All verbs, in the order of help.
  static let all: [Verb] = [
    .demo, .importLegacy, .copy, .verify, .rollback, .backup, .restore, .cutover, .schema, .memory, .doctor,
    .bench, .devPostgres,
  ]

  static var names: String { all.map(\.name).joined(separator: ", ") }
}

/// How a call ended (fixed contract of the command line).
struct ExitCode: RawRepresentable, Sendable, Hashable {
  let rawValue: Int32

  static let done = ExitCode(rawValue: 0)
  /// Failed, with nothing half done.
  static let failed = ExitCode(rawValue: 1)
  static let wrongUsage = ExitCode(rawValue: 2)
  /// Done, but Postgres could not hold some rows.
  static let rowsRejected = ExitCode(rawValue: 3)
  /// Verification found a difference.
  static let differs = ExitCode(rawValue: 4)
}
