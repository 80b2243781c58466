// What agentbase schema does before and behind its steps: a backup, an examination, and the user's own check.

internal import AgentBase
internal import Foundation
internal import Migrations

/// What a user asks for around the steps.
struct SchemaAftermath {
  private let migrator: Migrator
  private let isExamined: Bool
  private let folder: String?
  private let command: String?
  /// The backup that was made.
  private(set) var backup: String?
  private(set) var before: SchemaExamination?
  private(set) var after: SchemaExamination?

  init(_ migrator: Migrator, _ arguments: Arguments) throws(UsageError) {
    self.migrator = migrator
    isExamined = arguments[SchemaVerb.examine]
    folder = try arguments.value(SchemaVerb.backup)
    command = try arguments.value(SchemaVerb.check)
  }

  /// Makes the backup, and counts, where something is going to be done.
  mutating func prepare(_ goal: MigrationGoal) async throws {
    guard folder != nil || isExamined else { return }
    if case .sqlite(let path) = migrator.database, !FileManager.default.fileExists(atPath: path) { return }
    guard try await !migrator.steps(to: goal).isEmpty else { return }
    if let folder { backup = try await migrator.backUp(to: folder) }
    if isExamined { before = try await migrator.examine() }
  }

  /// Looks at what has become of it.
  ///
  /// - Returns: what is wrong, if something is.
  mutating func look() async throws -> Failure? {
    if isExamined {
      let found = try await migrator.examine()
      after = found
      if let fault = found.faults.first {
        return Failure(
          "the steps are done, and the database has a fault: \(fault)", advice: wayBack, exitCode: .differs)
      }
    }
    guard let command else { return nil }
    let status = try await Self.run(command)
    guard status != 0 else { return nil }
    return Failure(
      "the steps are done, and the check failed with exit code \(status): \(printable(command))",
      advice: wayBack,
      exitCode: .differs)
  }

  private var wayBack: String {
    backup.map { "go back with: agentbase schema restore --from \($0)" }
      ?? "go back with agentbase schema down --to N"
  }

  /// Runs a command of the shell; what it prints goes to standard error.
  private static func run(_ command: String) async throws -> Int32 {
    let process = Process()
    process.executableURL = URL(filePath: "/bin/sh")
    process.arguments = ["-c", command]
    process.standardOutput = FileHandle.standardError
    let (codes, continuation) = AsyncStream.makeStream(of: Int32.self)
    process.terminationHandler = {
      continuation.yield($0.terminationStatus)
      continuation.finish()
    }
    try process.run()
    for await code in codes { return code }
    return -1
  }

  // MARK: - Telling

  /// How many rows tables had and have.
  var lines: [String] {
    guard let after else { return [] }
    return Set(after.counts.keys).union(before?.counts.keys ?? [:].keys).sorted().map { name in
      let was = before?.counts[name]
      let now = after.counts[name]
      let words = now.map { $0.counted("row") } ?? "gone"
      return "\(printable(name)): \(words)"
        + (was == now ? "" : was.map { " (before: \($0.grouped))" } ?? " (new)")
    }
  }

  var json: JSON {
    func counts(_ examination: SchemaExamination?) -> JSON {
      guard let examination else { return .null }
      return .object(
        JSONObject(
          examination.counts.sorted { $0.key < $1.key }.map { (name: $0.key, value: .integer($0.value)) }))
    }
    return [
      "backup": backup.map { .string($0) } ?? .null, "rows_before": counts(before),
      "rows_after": counts(after),
      "faults": .array((after?.faults ?? []).map { .string($0) }),
    ]
  }
}
