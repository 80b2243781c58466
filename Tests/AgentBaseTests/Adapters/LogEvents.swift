import AgentBase

struct LogEvents: AgentEventHandler {
  let logger: Logger

  // Each call is a line at the level debug: leave them out where the logger would.
  func wants(_ kind: AgentEvent.Kind) -> Bool { kind != .call || logger.logLevel <= .debug }

  func handle(_ event: AgentEvent) {
    logger.log(
      level: Logger.Level(rawValue: event.level.rawValue) ?? .info, "\(event.message)",
      metadata: event.metadata.mapValues { .string($0) })
  }
}
