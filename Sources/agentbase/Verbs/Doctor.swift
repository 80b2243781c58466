// agentbase doctor: what is wrong with server, rights, schema, extensions and files, and what to do about it.

internal import AgentBase
internal import Dispatch

extension Verb {
  static let doctor = Verb(
    name: "doctor",
    summary: "Checks server, rights, schema, extensions and files, and says what to do about each fault",
    options: [
      Option.postgresURL.declaration, Option.agentsPath.declaration, Option.sqlite.declaration,
      Flag.json.declaration, Flag.quiet.declaration,
    ],
    notes: ["It changes nothing."]
  ) { arguments in
    let target = try PostgresTarget.optional(arguments)
    let hasFiles =
      arguments.has(Option.agentsPath.declaration) || arguments.has(Option.sqlite.declaration)
    let source = hasFiles ? try LegacySource(arguments) : nil
    guard target != nil || source != nil else {
      throw UsageError(
        "there is nothing to look at",
        advice: "give --postgres-url URL (or DATABASE_URL), --agents-path DIR, or both")
    }
    var findings: [Finding] = []
    if let target {
      findings += await ServerCheckup(configuration: target.configuration).findings()
    } else {
      findings.append(.note("server", "not looked at: neither --postgres-url nor DATABASE_URL is given"))
    }
    if let source {
      findings += await withCheckedContinuation { continuation in
        DispatchQueue.global().async {
          continuation.resume(returning: FilesCheckup(source: source).findings())
        }
      }
    }
    try Task.checkCancellation()
    return tell(findings, arguments)
  }

  private static func tell(_ findings: [Finding], _ arguments: Arguments) -> ExitCode {
    let faults = findings.filter { $0.state == .fault }
    if arguments[.json] {
      let json: JSON = [
        "healthy": .bool(faults.isEmpty), "findings": .array(findings.map(\.json)),
      ]
      Output.standard(json.text)
    } else if !arguments[.quiet] {
      let width = findings.map(\.subject.count).max() ?? 0
      for finding in findings {
        let state = finding.state == .fault ? "FAULT" : finding.state.rawValue
        let subject = finding.subject + String(repeating: " ", count: width - finding.subject.count)
        let mark = state + String(repeating: " ", count: 5 - state.count)
        Output.standard("\(mark)  \(subject)  \(finding.message)")
        if let advice = finding.advice {
          Output.standard(String(repeating: " ", count: 9 + width) + "→ \(advice)")
        }
      }
    }
    guard let first = faults.first else { return .done }
    let others = faults.count > 1 ? " (and \((faults.count - 1).counted("other fault")))" : ""
    Output.error(Failure("\(first.subject): \(first.message)\(others)", advice: first.advice).text)
    return .failed
  }
}
