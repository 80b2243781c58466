// agentbase demo: the whole way once, on a fleet and a server of its own, every claim checked.

internal import AgentBase

extension Verb {
  static let demo = Verb(
    name: "demo",
    summary: "Shows the whole way on files and a server of its own: import, proof, both backends, rollback",
    options: [keep.declaration, Flag.json.declaration],
    notes: [
      "Needs a PostgreSQL server installed; the newest that has pgvector is taken. It listens on a Unix socket in a",
      "temporary folder. Server and folder are removed at the end, after an interruption too. The exit code is 0",
      "only where every step held.",
    ]
  ) { arguments in
    try await run(keeps: arguments[keep], isJSON: arguments[.json])
  }

  private static let keep = Flag(
    "keep", help: "leave the files and the server, and say how to look around")

  private static func run(keeps: Bool, isJSON: Bool) async throws -> ExitCode {
    let stage = try DemoStage(keeps: keeps)
    var page = DemoPage(isSilent: isJSON)
    do {
      try await DemoStory(on: stage).tell(on: &page)
    } catch {
      if keeps {
        Output.error("agentbase: what the demo made is left in \(stage.root)")
      } else {
        // In a task of its own: this one may be cancelled, and the server has to go all the same.
        await Task { try? await stage.remove() }.value
      }
      throw error
    }
    if isJSON { Output.standard(page.json(of: stage).text) }
    return page.heldAll ? .done : .failed
  }
}
