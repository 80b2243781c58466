// agentbase cutover: where the cut-over of an agent from SQLite to Postgres stands, and the change of its phase.

internal import AgentBase
internal import Foundation

extension Verb {
  static let cutover = Verb(
    name: "cutover", summary: "Shows and sets the phase in which an agent goes over from SQLite to Postgres",
    operands: [
      ("status", "print the phase, and how many changes wait to be carried to Postgres"),
      ("set PHASE", "change the phase: \(CutoverPhase.allCases.map(\.rawValue).joined(separator: ", "))"),
      ("set-aside", "leave out each change that the other side refuses, and carry those behind it"),
      ("compare", "compare all that the agent reads from either side; exit code 4 where something differs"),
    ],
    options: [
      CutoverVerb.agent.declaration, CutoverVerb.sqlite.declaration, Option.postgresURL.declaration,
      CutoverVerb.readPostgres.declaration, CutoverVerb.force.declaration, CutoverVerb.repair.declaration,
      Flag.json.declaration,
    ],
    notes: [
      "Agents with AGENT_MEMORY_BACKEND=dual follow within a second, without a restart.",
      "set postgres-only carries and compares everything first, and is refused where something differs.",
    ]
  ) { arguments in try await CutoverVerb(arguments).run() }
}

/// One call of `agentbase cutover`.
struct CutoverVerb {
  static let agent = Option("agent", "ID", help: "the agent (needed)") { $0 }
  static let sqlite = Option.path(
    "sqlite", "FILE", variable: MemoryBackend.Variable.path, help: "the agent's SQLite file (needed)")
  static let readPostgres = Option(
    "read-postgres", "PERCENT",
    help:
      "set dual-postgres: how many of a hundred keys are read from Postgres, and compared; 10 unless given",
    read: OptionValues.integer(in: 0...100))
  static let force = Flag(
    "force", help: "set: without a comparison; dual-sqlite: also where Postgres has followed another file")
  static let repair = Flag("repair", help: "compare: carry again what differs, as the SQLite file has it")

  /// What to do.
  private enum Action {
    case status
    case set(CutoverPhase, readPercent: Int)
    case compare
    case setAside
  }

  private let arguments: Arguments
  private let action: Action
  private let agent: String
  private let path: String
  private let url: String

  init(_ arguments: Arguments) throws(UsageError) {
    self.arguments = arguments
    action = try Self.action(arguments)
    agent = try arguments.required(Self.agent)
    path = try arguments.required(Self.sqlite)
    url = try PostgresTarget(arguments).url
  }

  private static func action(_ arguments: Arguments) throws(UsageError) -> Action {
    let words = arguments.operands
    let action: Action
    switch words.first {
    case "status": action = .status
    case "compare": action = .compare
    case "set-aside": action = .setAside
    case "set":
      let phases = CutoverPhase.allCases.map(\.rawValue).joined(separator: ", ")
      guard words.count > 1 else { throw UsageError("cutover set needs a phase: \(phases)") }
      guard let phase = CutoverPhase(rawValue: words[1]) else {
        throw UsageError("\(Arguments.named(words[1])) is no phase", advice: "expected one of \(phases)")
      }
      if arguments.has(readPostgres.declaration), phase != .dualPostgres {
        throw UsageError("--read-postgres goes with cutover set dual-postgres alone")
      }
      action = .set(phase, readPercent: try arguments.value(readPostgres) ?? 10)
    case let word?:
      throw UsageError("cutover knows no \(Arguments.named(word)): status, set PHASE, compare, set-aside")
    case nil: throw UsageError("what to do is needed: status, set PHASE, compare or set-aside")
    }
    let most = words.first == "set" ? 2 : 1
    if words.count > most { throw UsageError("cutover \(words[0]) takes no \(Arguments.named(words[most]))") }
    if arguments.has(readPostgres.declaration), words.first != "set" {
      throw UsageError("--read-postgres goes with cutover set dual-postgres alone")
    }
    if arguments[force], words.first != "set" { throw UsageError("--force goes with cutover set alone") }
    if arguments[repair], words.first != "compare" {
      throw UsageError("--repair goes with cutover compare alone")
    }
    return action
  }

  // MARK: - Doing it

  func run() async throws -> ExitCode {
    let cutover = try await Cutover(sqlitePath: path, url: url, agent: agent)
    do {
      let code = try await run(cutover)
      await cutover.close()
      return code
    } catch {
      await cutover.close()
      guard let refusal = error as? CutoverRefusal else { throw error }
      throw Self.failure(refusal.comparison, "the phase is not changed: ")
    }
  }

  private func run(_ cutover: Cutover) async throws -> ExitCode {
    switch action {
    case .status:
      var status = try await cutover.status()
      do {
        try await cutover.checkPostgres()
        try await cutover.checkRefusals()
      } catch let error as AgentBaseError {
        status.failure = error.message
      }
      tell(status)
      return .done
    case .set(let phase, let percent):
      tell(try await cutover.set(phase, readPercent: percent, force: arguments[Self.force]))
      return .done
    case .setAside:
      let refused = try await cutover.setAside()
      tell(refused, try await cutover.status())
      return .done
    case .compare:
      let comparison = try await cutover.compare(repair: arguments[Self.repair])
      tell(comparison)
      guard comparison.differenceCount > 0 else { return .done }
      guard arguments[Self.repair] else { throw Self.failure(comparison, "") }
      let left = try await cutover.compare()
      guard left.differenceCount > 0 else { return .done }
      throw Self.failure(left, "after the repair, ")
    }
  }

  /// Why the exit code is 4.
  private static func failure(_ comparison: CutoverComparison, _ beginning: String) -> Failure {
    let first = comparison.differences.first.map { ": \(name(of: $0))" } ?? ""
    return Failure(
      "\(beginning)\(comparison.differenceCount.counted("difference")) between SQLite and Postgres\(first)",
      advice: "run agentbase import --no-verify again, then agentbase cutover compare --repair",
      exitCode: .differs)
  }

  private static func name(of difference: CutoverDifference) -> String {
    guard !difference.key.isEmpty else { return "the \(difference.kind)" }
    let space = difference.namespace.isEmpty ? "" : "\(printable(difference.namespace)) "
    return "\(difference.kind) \(space)\(printable(difference.key))"
  }

  // MARK: - Telling

  private func tell(_ status: CutoverStatus) {
    func time(_ date: Date?) -> String? { date?.formatted(.iso8601) }
    if arguments[.json] {
      let document: JSON = [
        "agent": .string(status.agent), "phase": .string(status.phase.rawValue),
        "epoch": .integer(status.epoch), "read_postgres": .integer(Int64(status.readPercent)),
        "differing": .integer(status.differing), "lag": .integer(status.lag),
        "waiting_since": time(status.waitingSince).map { .string($0) } ?? .null,
        "carried_at": time(status.carriedAt).map { .string($0) } ?? .null,
        "set_aside": .integer(Int64(status.setAside)),
        "failure": status.failure.map { .string(Secrets.ofProcess.removed(from: $0)) } ?? .null,
      ]
      return Output.standard(document.text)
    }
    var lines = ["\(printable(status.agent)): \(status.phase.rawValue)"]
    if status.phase == .dualPostgres {
      lines.append(
        "\(status.readPercent) of 100 keys are read from Postgres and compared: \(status.differing.counted("difference"))"
      )
    }
    if let follower = status.phase.follower {
      let name = follower == .postgres ? "Postgres" : "the SQLite file"
      lines.append(
        status.lag == 0
          ? "\(follower == .postgres ? "Postgres" : "The SQLite file") has every change"
          : "\(status.lag.counted("change")) to be carried to \(name)"
            + (time(status.waitingSince).map { ", since \($0)" } ?? ""))
    }
    if status.setAside > 0 {
      lines.append("\(status.setAside.counted("change")) set aside, as the other side has refused them")
    }
    if let failure = status.failure {
      lines.append("warning: \(Secrets.ofProcess.removed(from: failure))")
    }
    Output.standard(lines.joined(separator: "\n"))
  }

  private func tell(_ refused: [RefusedChange], _ status: CutoverStatus) {
    if arguments[.json] {
      let changes = refused.map { change -> JSON in
        [
          "kind": .string(change.kind), "namespace": .string(change.namespace), "key": .string(change.key),
          "reason": .string(Secrets.ofProcess.removed(from: change.reason)),
        ]
      }
      let document: JSON = ["set_aside": .array(changes), "lag": .integer(status.lag)]
      return Output.standard(document.text)
    }
    for change in refused {
      let name = Self.name(
        of: CutoverDifference(kind: change.kind, namespace: change.namespace, key: change.key))
      Output.standard("set aside: \(name): \(Secrets.ofProcess.removed(from: change.reason))")
    }
    tell(status)
  }

  private func tell(_ comparison: CutoverComparison) {
    if arguments[.json] {
      let document: JSON = [
        "memories": .integer(Int64(comparison.memories)), "tools": .integer(Int64(comparison.tools)),
        "metrics": .integer(Int64(comparison.metrics)),
        "executions": .integer(Int64(comparison.executions)),
        "difference_count": .integer(Int64(comparison.differenceCount)),
        "differences": .array(
          comparison.differences.map { difference in
            [
              "kind": .string(difference.kind), "namespace": .string(difference.namespace),
              "key": .string(difference.key), "sqlite": difference.sqlite.map { .string($0) } ?? .null,
              "postgres": difference.postgres.map { .string($0) } ?? .null,
            ]
          }),
      ]
      return Output.standard(document.text)
    }
    var lines = [
      "compared: \(comparison.memories.counted("memory key")), \(comparison.tools.counted("tool")), "
        + "\(comparison.metrics.counted("metric")), \(comparison.executions.counted("execution"))"
    ]
    lines += comparison.differences.prefix(20).map { "differs: \(Self.name(of: $0))" }
    Output.standard(lines.joined(separator: "\n"))
  }
}
