import AgentBase
import Foundation

struct TraceEvents: AgentEventHandler {
  let tracer: any Tracer

  func wants(_ kind: AgentEvent.Kind) -> Bool { kind == .call || kind == .slowQuery }

  func handle(_ event: AgentEvent) {
    guard let duration = event.duration else { return }
    let (seconds, attoseconds) = duration.components
    let taken = Double(seconds) + Double(attoseconds) / 1e18
    let span = tracer.spanBuilder(spanName: event.operation ?? event.kind.rawValue)
      .setStartTime(time: event.time.addingTimeInterval(-taken)).startSpan()
    for (key, value) in event.metadata { span.setAttribute(key: "agentbase.\(key)", value: value) }
    if let sql = event.sql { span.setAttribute(key: "db.query.text", value: sql) }
    if let failure = event.failure { span.status = .error(description: failure.rawValue) }
    span.end(time: event.time)
  }
}
