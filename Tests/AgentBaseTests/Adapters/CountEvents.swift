import AgentBase

struct CountEvents: AgentEventHandler {
  func handle(_ event: AgentEvent) {
    let dimensions = [
      ("operation", event.operation ?? "none"), ("outcome", event.failure?.rawValue ?? "ok"),
    ]
    Counter(label: "agentbase_\(event.kind)", dimensions: dimensions).increment(by: event.count ?? 1)
    guard let (seconds, attoseconds) = event.duration?.components else { return }
    Timer(label: "agentbase_\(event.kind)_duration", dimensions: dimensions)
      .recordNanoseconds(seconds * 1_000_000_000 + attoseconds / 1_000_000_000)
  }
}
