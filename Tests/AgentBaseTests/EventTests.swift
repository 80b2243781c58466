// Events: what they say, who hears of them, and the adapters of the documentation.

import Foundation
import Postgres
import SQLite
import Synchronization
import TestSupport
import Testing

@testable import AgentBase

@Suite("Events") struct EventTests {
  private struct Failure: Error {}

  /// Runs the body with an agent on a file, and answers the events that a handler was told.
  private func events(
    _ kinds: Set<AgentEvent.Kind>?, _ body: (Agent) async throws -> Void
  ) async throws -> [AgentEvent] {
    let log = Log(kinds)
    try await TemporaryFolder.with("events") { folder in
      var config = AgentConfig(name: "a", memoryBackend: .sqliteFile(try folder.file("memory.db")))
      config.eventHandler = log
      let agent = try await Agent(config)
      try await body(agent)
      await agent.close()
    }
    return log.events.withLock { $0 }.filter { $0.kind != .deprecation }
  }

  private final class Log: AgentEventHandler {
    let events = Mutex<[AgentEvent]>([])
    private let kinds: Set<AgentEvent.Kind>?
    init(_ kinds: Set<AgentEvent.Kind>?) { self.kinds = kinds }
    func wants(_ kind: AgentEvent.Kind) -> Bool { kinds?.contains(kind) ?? true }
    func handle(_ event: AgentEvent) { events.withLock { $0.append(event) } }
  }

  @Test("Every verb is an event with its name, duration and outcome, and nothing of what is stored")
  func calls() async throws {
    let events = try await events(nil) { agent in
      try await agent.storeMemory("secret-key", "secret-value")
      _ = try await agent.retrieveMemory("secret-key", as: String.self)
      _ = try? await agent.recordToolUse("secret-tool")
      try await agent.withExecution("secret-task") {}
    }
    #expect(
      events.map(\.operation) == [
        "storeMemory", "retrieveMemory", "recordToolUse", "beginExecution", "finishExecution",
      ])
    #expect(events.map(\.failure) == [nil, nil, .unknownTool, nil, nil])
    for event in events {
      #expect(event.kind == .call && event.agent == "a")
      #expect(try #require(event.duration) > .zero)
      #expect(!"\(event.message) \(event.metadata)".contains("secret"))
      #expect(event.level == (event.failure == nil ? .debug : .warning))
    }
    #expect(events[0].message.hasPrefix("storeMemory took "))
    #expect(events[2].message.hasPrefix("recordToolUse failed after "))
    #expect(Set(events[2].metadata.keys) == ["agent", "operation", "duration_ms", "failure"])
  }

  @Test("A cancelled call says so")
  func cancelled() async throws {
    let events = try await events([.call]) { agent in
      let task = Task {
        withUnsafeCurrentTask { $0?.cancel() }
        try await agent.storeMemory("k", 1)
      }
      _ = await task.result
    }
    #expect(events.map(\.failure) == [.cancelled] && events.first?.level == .debug)
  }

  @Test("Events that nobody wants are not made")
  func wanted() async throws {
    let none = try await events([.schema]) { try await $0.storeMemory("k", 1) }
    #expect(none.isEmpty)
    let quiet = DeprecationLog()
    #expect(CallListener(quiet) == nil)
    #expect(CallListener(nil) == nil)
    #expect(DriverEvents(quiet, slowQueryLimit: .seconds(1)) == nil)
    let both = AgentEventHandlers(quiet, Log([.call]))
    #expect(both.wants(.call) && both.wants(.deprecation) && !both.wants(.slowQuery))
  }

  @Test("A closure hears of everything, as before")
  func closure() throws {
    var config = AgentConfig(name: "a", memoryBackend: .sqliteFile("x"))
    let heard = Mutex<[String]>([])
    config.onEvent = { event in heard.withLock { $0.append(event.message) } }
    #expect(config.eventHandler?.wants(.call) == true)
    config.onEvent(AgentEvent(.schema, "tables"))
    #expect(heard.withLock { $0 } == ["tables"])
  }

  @Test("What the drivers say becomes events, one line each, without secrets")
  func drivers() throws {
    let log = Log(nil)
    let events = try #require(DriverEvents(log, database: "main", slowQueryLimit: .seconds(1)))
    let observer = events.postgres
    #expect(observer.slowLimit == .seconds(1) && events.sqlite?.slowLimit == .seconds(1))
    let error = PostgresError(.connectionFailed, "no route to the host\nsecond line", isSafeToRetry: true)
    observer.handle(.openFailed(error))
    observer.handle(.retries(error, attempt: 2))
    observer.handle(.slow(sql: "SELECT  *\n FROM t WHERE a = $1", .milliseconds(1500)))
    events.sqlite?.handle("SELECT ?", .seconds(2))
    let told = log.events.withLock { $0 }
    #expect(told.map(\.kind) == [.connection, .retry, .slowQuery, .slowQuery])
    #expect(
      told.map(\.message) == [
        "a connection could not be opened: no route to the host",
        "attempt 2 failed and is repeated: no route to the host",
        "a statement took 1.5 s: SELECT * FROM t WHERE a = $1", "a statement took 2 s: SELECT ?",
      ])
    #expect(told.map(\.failure) == [.unavailable, .unavailable, nil, nil])
    #expect(told.allSatisfy { $0.database == "main" && $0.level == .warning })
    #expect(told[1].count == 2 && told[2].sql == "SELECT  *\n FROM t WHERE a = $1")
    #expect(DriverEvents(Log([.retry]), slowQueryLimit: .seconds(1))?.sqlite == nil)
  }

  @Test(
    "Texts in SQL are hidden, and nothing else",
    arguments: [
      (
        "SELECT 'a''b', \"it's\" FROM t -- don't\nWHERE a = 'c'",
        "SELECT '…''…', \"it's\" FROM t -- don't\nWHERE a = '…'"
      ),
      (#"SELECT E'a\'b', 'c\', 'd'"#, "SELECT E'…', '…', '…'"),
      ("DO $$ a 'b' $$, $x$ $y$ $x$, $1 + $2", "DO '…', '…', $1 + $2"),
      ("SELECT /* it's */ 'a", "SELECT /* it's */ '…'"), ("é 'é' é", "é '…' é"), ("", ""), ("$", "$"),
      ("'", "'…'"),
    ])
  func literals(_ sql: String, _ shown: String) {
    #expect(SQLLiterals.hidden(in: sql) == shown)
  }

  // MARK: - The documentation

  private func sample(_ failure: AgentBaseError.Code? = nil) -> AgentEvent {
    var event = AgentEvent(.call, level: failure == nil ? .debug : .warning)
    event.agent = "a"
    event.operation = "storeMemory"
    event.duration = .milliseconds(250)
    event.failure = failure
    return event
  }

  @Test("The adapter to swift-log")
  func log() {
    let recorded = Recorded()
    let handler = LogEvents(logger: Logger(logLevel: .info, recorded: recorded))
    #expect(!handler.wants(.call) && handler.wants(.retry))
    handler.handle(sample())
    handler.handle(sample(.unavailable))
    #expect(
      recorded.all == [
        "warning: storeMemory failed after 250 ms: unavailable "
          + "[agent=a, duration_ms=250.0, failure=unavailable, operation=storeMemory]"
      ])
  }

  @Test("The adapter to swift-metrics")
  func metrics() {
    let recorded = Recorded()
    Recorded.$current.withValue(recorded) {
      CountEvents().handle(sample(.unavailable))
      CountEvents().handle(AgentEvent(.sweep, "removed", count: 7))
    }
    #expect(
      recorded.all == [
        #"agentbase_call["operation=storeMemory", "outcome=unavailable"] +1"#,
        #"agentbase_call_duration["operation=storeMemory", "outcome=unavailable"] 250000000 ns"#,
        #"agentbase_sweep["operation=none", "outcome=ok"] +7"#,
      ])
  }

  @Test("The adapter to OpenTelemetry")
  func traces() {
    let recorded = Recorded()
    TraceEvents(tracer: RecordedTracer(recorded: recorded)).handle(sample(.unavailable))
    #expect(recorded.all.count == 1)
    #expect(recorded.all.first?.hasPrefix("storeMemory 250 ms failed: unavailable") == true)
    #expect(recorded.all.first?.contains("agentbase.agent=a") == true)
  }

  @Test(
    "The adapters in the documentation are those that were run here",
    arguments: [
      ("LogEvents", "Logging"), ("CountEvents", "Metrics"), ("TraceEvents", "OpenTelemetryApi"),
    ])
  func documented(_ name: String, _ module: String) throws {
    let tests = URL(filePath: #filePath).deletingLastPathComponent()
    let code = try String(contentsOf: tests.appending(path: "Adapters/\(name).swift"), encoding: .utf8)
    let document = try String(
      contentsOf: tests.appending(path: "../../Documentation/Events.md"), encoding: .utf8)
    let shown = code.replacing(
      "import AgentBase\n", with: "import AgentBase\nimport \(module)\n", maxReplacements: 1)
    #expect(document.contains("```swift\n\(shown)```"))
  }
}
