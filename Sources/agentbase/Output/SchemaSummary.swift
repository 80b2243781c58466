// What `agentbase schema` prints: for people, and as JSON.

internal import AgentBase
internal import Migrations
internal import Synchronization

/// The words and the documents of the verb.
enum SchemaSummary {
  // MARK: - Status

  static func text(_ status: MigrationStatus) -> String {
    var lines = [
      "version \(status.version) of \(status.newest)"
        + (status.pendingCount > 0
          ? ": \(status.pendingCount.counted("step")) to go, with agentbase schema up" : "")
    ]
    for step in status.steps {
      var words = ["\(number(step.version))  \(pad(printable(step.name), 24))  \(step.state.rawValue)"]
      if let applied = step.applied {
        if let time = applied.appliedAt { words.append("at \(time.prefix(19))Z") }
        if let name = applied.appliedBy { words.append("by \(printable(name))") }
        if let time = applied.durationMilliseconds { words.append("in \(milliseconds(time))") }
      }
      lines.append(words.joined(separator: " "))
      if let note = step.note { lines.append("      \(printable(note))") }
    }
    return lines.joined(separator: "\n")
  }

  static func json(_ status: MigrationStatus) -> JSON {
    [
      "version": .integer(Int64(status.version)), "newest": .integer(Int64(status.newest)),
      "pending": .integer(Int64(status.pendingCount)),
      "steps": .array(
        status.steps.map { step in
          [
            "version": .integer(Int64(step.version)), "name": .string(step.name),
            "state": .string(step.state.rawValue),
            "applied_at": step.applied?.appliedAt.map { .string($0) } ?? .null,
            "applied_by": step.applied?.appliedBy.map { .string($0) } ?? .null,
            "duration_ms": step.applied?.durationMilliseconds.flatMap { .real($0) } ?? .null,
            "note": step.note.map { .string($0) } ?? .null,
          ]
        }),
    ]
  }

  // MARK: - Dry run

  static func text(_ steps: [PlannedMigration]) -> String {
    guard !steps.isEmpty else { return "-- nothing to do" }
    return steps.map { step in
      let way = step.direction == .up ? "" : ", taken back"
      let again = step.isResumed ? ", begun before: run again" : ""
      return "-- step \(step.migration.version) (\(step.migration.name))\(way)\(again)\n\(step.sql.trimmed)"
    }.joined(separator: "\n\n")
  }

  static func json(_ steps: [PlannedMigration], backup: String?) -> JSON {
    [
      "dry_run": true, "backup_statement": backup.map { .string($0) } ?? .null,
      "steps": .array(
        steps.map { step in
          [
            "version": .integer(Int64(step.migration.version)), "name": .string(step.migration.name),
            "direction": .string(step.direction.rawValue), "resumed": .bool(step.isResumed),
            "sql": .string(step.sql),
          ]
        }),
    ]
  }

  // MARK: - Up and down

  static func json(_ runs: [MigrationRun], version: Int, _ aftermath: SchemaAftermath) -> JSON {
    [
      "version": .integer(Int64(version)), "around": aftermath.json,
      "steps": .array(
        runs.map { run in
          [
            "version": .integer(Int64(run.version)), "name": .string(run.name),
            "direction": .string(run.direction.rawValue),
            "duration_ms": .real(run.durationMilliseconds) ?? .null,
            "batch_rows": .integer(Int64(run.batchRows)),
          ]
        }),
    ]
  }

  static func text(_ run: MigrationRun) -> String {
    let rows = run.batchRows > 0 ? ", \(run.batchRows.counted("row")) in batches" : ""
    let way = run.direction == .up ? "applied" : "taken back"
    return
      "\(number(run.version))  \(pad(printable(run.name), 24))  \(way) in \(milliseconds(run.durationMilliseconds))\(rows)"
  }

  // MARK: - Verify

  static func text(_ verification: MigrationVerification) -> String {
    var lines = verification.changedSteps.map { "step \($0.version) (\($0.name)) is \($0.state.rawValue)" }
    lines += verification.differences.map { text($0) }
    if lines.isEmpty {
      return "version \(verification.status.version): texts and schema are as the steps make them"
    }
    return lines.map(printable).joined(separator: "\n")
  }

  static func text(_ difference: SchemaDifference) -> String {
    switch (difference.expected, difference.found) {
    case (_?, nil): "\(difference.object) is missing"
    case (nil, let found?): "\(difference.object) is there besides: \(short(found))"
    case (let expected, let found):
      "\(difference.object) is \(short(found ?? "")), and the steps make \(short(expected ?? ""))"
    }
  }

  static func json(_ verification: MigrationVerification) -> JSON {
    [
      "version": .integer(Int64(verification.status.version)), "holds": .bool(verification.holds),
      "steps": .array(
        verification.changedSteps.map {
          [
            "version": .integer(Int64($0.version)), "name": .string($0.name),
            "state": .string($0.state.rawValue),
          ]
        }),
      "differences": .array(
        verification.differences.map {
          [
            "object": .string($0.object), "expected": $0.expected.map { .string($0) } ?? .null,
            "found": $0.found.map { .string($0) } ?? .null,
          ]
        }),
    ]
  }

  // MARK: - Words

  private static func number(_ version: Int) -> String {
    let digits = String(version)
    return String(repeating: "0", count: max(0, 4 - digits.count)) + digits
  }

  private static func pad(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(0, width - text.count))
  }

  private static func milliseconds(_ value: Double) -> String {
    value < 10_000 ? "\(Int(value.rounded())) ms" : "\(Int((value / 1000).rounded())) s"
  }

  private static func short(_ text: String) -> String {
    let line = text.split(whereSeparator: \.isWhitespace).joined(separator: " ")
    return line.count > 200 ? line.prefix(200) + "…" : line.isEmpty ? "empty" : line
  }
}

extension String {
  /// The text without white space at its end.
  fileprivate var trimmed: String {
    var text = self
    while text.last?.isWhitespace == true { text.removeLast() }
    return text
  }
}

/// Tells of steps as they are done, and of batches while they run, not more than once a second.
final class SchemaProgress: Sendable {
  private let isShown: Bool
  private let last = Mutex(ContinuousClock.now)

  init(isShown: Bool) { self.isShown = isShown }

  func take(_ event: MigrationEvent) {
    guard isShown else { return }
    switch event {
    case .began: break
    case .progressed(let version, let rows):
      let isDue = last.withLock { last in
        guard ContinuousClock.now - last > .seconds(1) else { return false }
        last = .now
        return true
      }
      if isDue { Output.error("step \(version): \(rows.counted("row")) so far") }
    case .ended(let run): Output.standard(SchemaSummary.text(run))
    case .backedUp(let what): Output.standard("backup: \(what)")
    }
  }
}
