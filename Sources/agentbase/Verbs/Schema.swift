// agentbase schema: where the schema of a database stands, and the steps up and down.

internal import AgentBase
internal import Migrations
internal import Postgres

extension Verb {
  static let schema = Verb(
    name: "schema",
    summary: "Shows and changes the version of a database's schema, ours or that of a folder of steps",
    operands: [
      ("status", "print the steps: which are applied, by whom, when and in what time; pending; edited since"),
      ("up", "apply the steps that the database lacks, to the newest or to --to N"),
      (
        "down",
        "take steps back, to --to N (needed); what the older schema cannot hold is kept for the next way up"
      ),
      ("restore", "SQLite: put a backup back (--from FILE); what the file held until then is kept beside it"),
      (
        "verify",
        "compare the applied texts with the steps, and the schema with the one that they make; 4 for a difference"
      ),
    ],
    options: [
      SchemaVerb.database.declaration, SchemaVerb.migrations.declaration, SchemaVerb.target.declaration,
      SchemaVerb.dryRun.declaration, SchemaVerb.backup.declaration, SchemaVerb.examine.declaration,
      SchemaVerb.check.declaration, SchemaVerb.from.declaration, SchemaVerb.lockWait.declaration,
      SchemaVerb.scratch.declaration,
      Flag.json.declaration, Flag.quiet.declaration,
    ],
    notes: [
      "Without --migrations the steps are AgentBase's own: its tables in Postgres, or in an agent's SQLite file.",
      "A folder holds 0001_name.up.sql, and as wanted .down.sql, .check-before.sql and .check-after.sql.",
    ]
  ) { arguments in try await SchemaVerb(arguments).run() }
}

/// One call of `agentbase schema`.
struct SchemaVerb {
  static let database = Option(
    "database", "URL-OR-FILE", variable: "DATABASE_URL",
    help: "the Postgres database, as libpq takes it, or the path of a SQLite file (sqlite:///PATH)")
  static let migrations = Option.path("migrations", "DIR", help: "a folder of numbered steps")
  static let target = Option(
    "to", "N", help: "the version to go to; down: 0 takes every step back",
    read: OptionValues.integer(in: 0...999_999))
  static let dryRun = Flag("dry-run", help: "up, down: print the SQL of the steps, and change nothing")
  static let backup = Option.path(
    "backup", "DIR", help: "up, down of a SQLite file: copy it there first, and check the copy")
  static let from = Option.path("from", "FILE", help: "restore: the backup")
  static let examine = Flag(
    "examine", help: "up, down: look for damage afterwards, and print how many rows each table had and has")
  static let check = Option(
    "check", "COMMAND",
    help: "up, down: run a command of the shell afterwards; where it fails, the exit code is 4")
  static let lockWait = Option(
    "lock-wait", "S", help: "how long another runner is waited for; 60 seconds unless given",
    read: OptionValues.seconds)
  static let scratch = Option(
    "scratch", "URL",
    help: "verify: an empty Postgres database to make the schema in, where the user may not make one")

  /// What to do.
  enum Action: String, CaseIterable {
    case status, up, down, restore, verify
  }

  let arguments: Arguments
  let action: Action
  let migrator: Migrator
  let isOwn: Bool
  private let goal: MigrationGoal?
  private let scratch: PostgresConfiguration?

  init(_ arguments: Arguments) throws {
    self.arguments = arguments
    let names = Action.allCases.map(\.rawValue).joined(separator: ", ")
    guard let word = arguments.operands.first else { throw UsageError("what to do is needed: \(names)") }
    guard let action = Action(rawValue: word) else {
      throw UsageError("schema knows no \(Arguments.named(word))", advice: "expected one of \(names)")
    }
    if arguments.operands.count > 1 {
      throw UsageError("schema \(word) takes no \(Arguments.named(arguments.operands[1]))")
    }
    self.action = action
    let target = try arguments.value(Self.target)
    switch action {
    case .up: goal = .up(to: target)
    case .down:
      guard let target else {
        throw UsageError("schema down needs --to N: the version to go back to, 0 for none")
      }
      goal = .down(to: target)
    case .status, .verify, .restore:
      guard target == nil else { throw UsageError("--to goes with schema up and schema down alone") }
      goal = nil
    }
    if arguments[Self.dryRun], goal == nil {
      throw UsageError("--dry-run goes with schema up and schema down alone")
    }
    for option in [Self.backup.declaration, Self.examine.declaration, Self.check.declaration]
    where goal == nil && arguments.has(option) {
      throw UsageError("\(option.flag) goes with schema up and schema down alone")
    }
    if arguments.has(Self.from.declaration) != (action == .restore) {
      throw UsageError(
        action == .restore ? "schema restore needs --from FILE" : "--from goes with schema restore alone")
    }
    if arguments.has(Self.scratch.declaration), action != .verify {
      throw UsageError("--scratch goes with schema verify alone")
    }
    scratch = try arguments.value(Self.scratch).map { try Self.configuration($0, "--scratch") }
    let database = try Self.database(try arguments.required(Self.database), arguments)
    isOwn = try arguments.value(Self.migrations) == nil
    var migrator =
      if let folder = try arguments.value(Self.migrations) {
        Migrator(
          database, try MigrationFolder(path: folder).migrations, origin: "the folder \(folder)")
      } else {
        OwnSchema.migrator(database)
      }
    if let wait = try arguments.value(Self.lockWait) { migrator.options.lockWait = wait }
    self.migrator = migrator
  }

  /// The database that a word names: a URL or a keyword string of libpq, `sqlite:///PATH`, or the path of a file.
  private static func database(_ word: String, _ arguments: Arguments) throws(UsageError) -> MigrationDatabase
  {
    let name =
      arguments.has(Self.database.declaration) ? "--database" : "the environment variable DATABASE_URL"
    if word.hasPrefix("sqlite:///"), word.count > 10 { return .sqlite(path: String(word.dropFirst(10))) }
    let isConnection =
      word.hasPrefix("postgres://") || word.hasPrefix("postgresql://")
      || ["host=", "dbname=", "service="].contains { word.contains($0) }
    if isConnection { return .postgres(try configuration(word, name)) }
    guard !word.contains("://") else {
      throw UsageError(
        "\(name) is no database",
        advice: "expected postgresql://user@host:5432/database, sqlite:///PATH or a path")
    }
    return .sqlite(path: word)
  }

  private static func configuration(_ url: String, _ name: String) throws(UsageError) -> PostgresConfiguration
  {
    do {
      return try PostgresConfiguration(url)
    } catch {
      throw UsageError(
        "\(name): \(error.message)", advice: "expected postgresql://user:password@host:5432/database")
    }
  }

  // MARK: - Doing it

  func run() async throws -> ExitCode {
    switch action {
    case .status: return try await status()
    case .verify: return try await verify()
    case .restore: return try await restore()
    case .up, .down:
      guard let goal else { return .wrongUsage }
      return arguments[Self.dryRun] ? try await dryRun(goal) : try await go(goal)
    }
  }

  private func status() async throws -> ExitCode {
    let status = try await migrator.status()
    if arguments[.json] {
      Output.standard(SchemaSummary.json(status).text)
    } else {
      Output.standard(SchemaSummary.text(status))
    }
    return .done
  }

  private func dryRun(_ goal: MigrationGoal) async throws -> ExitCode {
    let steps = try await migrator.steps(to: goal)
    let statement = migrator.backupStatement(to: try arguments.value(Self.backup) ?? ".")
    if arguments[.json] {
      Output.standard(SchemaSummary.json(steps, backup: statement).text)
    } else if !arguments[.quiet] {
      if let statement, !steps.isEmpty { Output.standard("-- a backup first: \(statement)\n") }
      Output.standard(SchemaSummary.text(steps))
    }
    return .done
  }

  private func restore() async throws -> ExitCode {
    let backup = try arguments.required(Self.from)
    let replaced = try await migrator.restore(from: backup)
    let version = try await migrator.status().version
    if arguments[.json] {
      let document: JSON = [
        "version": .integer(Int64(version)), "backup": .string(backup), "replaced": .string(replaced),
      ]
      Output.standard(document.text)
    } else if !arguments[.quiet] {
      Output.standard("version \(version): \(backup) is put back; what was there until now is in \(replaced)")
    }
    return .done
  }

  private func go(_ goal: MigrationGoal) async throws -> ExitCode {
    let isTold = !arguments[.json] && !arguments[.quiet]
    var migrator = migrator
    let progress = SchemaProgress(isShown: isTold)
    migrator.options.onEvent = { progress.take($0) }
    var aftermath = try SchemaAftermath(migrator, arguments)
    try await aftermath.prepare(goal)
    let runs: [MigrationRun]
    switch goal {
    case .up(let target): runs = try await migrator.up(to: target)
    case .down(let target): runs = try await migrator.down(to: target)
    }
    let status = try await migrator.status()
    let failure = try await aftermath.look()
    if arguments[.json] {
      Output.standard(SchemaSummary.json(runs, version: status.version, aftermath).text)
    } else if !arguments[.quiet] {
      for line in aftermath.lines { Output.standard(line) }
      Output.standard(
        runs.isEmpty
          ? "nothing to do: version \(status.version)"
          : "version \(status.version): \(runs.count.counted("step")) \(goal.isDown ? "taken back" : "applied")"
      )
    }
    guard let failure else { return .done }
    Output.error(failure.text)
    return failure.exitCode
  }

  private func verify() async throws -> ExitCode {
    var verification = try await migrator.verify(scratch: scratch)
    if isOwn { verification = OwnSchema.withoutWhatMayDiffer(verification) }
    if arguments[.json] {
      Output.standard(SchemaSummary.json(verification).text)
    } else if !arguments[.quiet] {
      Output.standard(SchemaSummary.text(verification))
    }
    guard !verification.holds else { return .done }
    let count = verification.differences.count + verification.changedSteps.count
    let first =
      verification.changedSteps.first.map { "step \($0.version) (\($0.name)) is \($0.state.rawValue)" }
      ?? verification.differences.first.map { SchemaSummary.text($0) } ?? ""
    let failure = Failure(
      "the schema is not what its steps make: \(count.counted("difference")), the first: \(printable(first))",
      advice:
        "agentbase schema status tells the steps; undo what was changed by hand, or write a step that does it",
      exitCode: .differs)
    Output.error(failure.text)
    return failure.exitCode
  }
}

extension MigrationGoal {
  fileprivate var isDown: Bool { if case .down = self { true } else { false } }
}
