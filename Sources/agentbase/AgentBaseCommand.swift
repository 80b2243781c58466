// The command line: finds the verb, reads its options, runs it, and turns what comes of it into an exit code.

internal import AgentBase
internal import Foundation

@main
struct AgentBaseCommand {
  @MainActor
  static func main() async {
    let words = Array(CommandLine.arguments.dropFirst())
    exit(await run(words, environment: ProcessInfo.processInfo.environment).rawValue)
  }

  /// Runs one call of the command.
  @MainActor
  static func run(_ words: [String], environment: [String: String]) async -> ExitCode {
    let isJSON = words.contains(Flag.json.declaration.flag)
    do {
      guard let name = words.first else {
        throw UsageError("no verb is given", advice: "verbs: \(Verb.names)")
      }
      if name == "--help" || name == "-h" {
        Output.standard(Help.overview)
        return .done
      }
      guard let verb = Verb.all.first(where: { $0.name == name }) else {
        throw UsageError("unknown verb \(Arguments.named(name))", advice: "verbs: \(Verb.names)")
      }
      return try await run(verb, Array(words.dropFirst()), environment: environment)
    } catch {
      let failure = Failure(error, verb: Verb.all.first { $0.name == words.first }?.name)
      Output.error(failure.text)
      if isJSON { Output.standard(failure.json.text) }
      return failure.exitCode
    }
  }

  @MainActor
  private static func run(
    _ verb: Verb, _ words: [String], environment: [String: String]
  ) async throws -> ExitCode {
    switch try ArgumentParser.parse(words, options: verb.options) {
    case .help:
      Output.standard(Help.text(of: verb))
      return .done
    case .run(let given, let operands):
      let arguments = Arguments(given: given, operands: operands, environment: environment)
      if verb.operands.isEmpty, let operand = operands.first {
        throw UsageError("\(verb.name) takes no \(Arguments.named(operand))")
      }
      let task = Task.detached { try await verb.run(arguments) }
      let interruption = try Interruption { task.cancel() }
      do {
        return try await task.value
      } catch let error where interruption.signal != nil && !(error is UsageError) {
        throw Failure("\(verb.name) was interrupted: what was under way is undone", advice: "run it again")
      }
    }
  }
}
