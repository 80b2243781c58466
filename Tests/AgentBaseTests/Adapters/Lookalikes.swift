// What the documented adapters use of swift-log, swift-metrics and opentelemetry-swift, in the same words, so that their code
// is compiled and run here without those packages.

import Foundation
import Synchronization

/// What was logged, counted and traced.
final class Recorded: Sendable {
  private let lines = Mutex<[String]>([])
  func add(_ line: String) { lines.withLock { $0.append(line) } }
  var all: [String] { lines.withLock { $0 } }
  /// Where counters and timers, which are made by name, leave what they are told.
  @TaskLocal static var current = Recorded()
}

// MARK: - swift-log

struct Logger: Sendable {
  enum Level: String, Sendable, CaseIterable, Comparable {
    case trace, debug, info, notice, warning, error, critical
    static func < (left: Level, right: Level) -> Bool {
      (allCases.firstIndex(of: left) ?? 0) < (allCases.firstIndex(of: right) ?? 0)
    }
  }
  enum MetadataValue: Sendable { case string(String) }
  struct Message: ExpressibleByStringInterpolation, Sendable {
    let text: String
    init(stringLiteral value: String) { text = value }
  }

  var logLevel = Level.info
  let recorded: Recorded

  func log(
    level: Level, _ message: @autoclosure () -> Message,
    metadata: @autoclosure () -> [String: MetadataValue]? = nil
  ) {
    guard level >= logLevel else { return }
    let pairs = (metadata() ?? [:]).map { key, value in
      if case .string(let text) = value { "\(key)=\(text)" } else { key }
    }
    recorded.add("\(level): \(message().text) [\(pairs.sorted().joined(separator: ", "))]")
  }
}

// MARK: - swift-metrics

struct Counter: Sendable {
  let name: String
  init(label: String, dimensions: [(String, String)]) {
    name = "\(label)\(dimensions.map { "\($0)=\($1)" })"
  }
  func increment(by amount: Int) { Recorded.current.add("\(name) +\(amount)") }
}

struct Timer: Sendable {
  let name: String
  init(label: String, dimensions: [(String, String)]) {
    name = "\(label)\(dimensions.map { "\($0)=\($1)" })"
  }
  func recordNanoseconds(_ duration: Int64) { Recorded.current.add("\(name) \(duration) ns") }
}

// MARK: - opentelemetry-swift

enum Status: Sendable {
  case unset
  case error(description: String)
}

protocol Span: AnyObject {
  var status: Status { get set }
  func setAttribute(key: String, value: String)
  func end(time: Date)
}

protocol SpanBuilder {
  func setStartTime(time: Date) -> Self
  func startSpan() -> any Span
}

protocol Tracer: Sendable {
  func spanBuilder(spanName: String) -> any SpanBuilder
}

struct RecordedTracer: Tracer {
  let recorded: Recorded
  func spanBuilder(spanName: String) -> any SpanBuilder { Builder(name: spanName, recorded: recorded) }

  struct Builder: SpanBuilder {
    let name: String
    let recorded: Recorded
    var start = Date()
    func setStartTime(time: Date) -> Builder { Builder(name: name, recorded: recorded, start: time) }
    func startSpan() -> any Span { RecordedSpan(self) }
  }

  final class RecordedSpan: Span {
    private let builder: Builder
    var status = Status.unset
    private var attributes: [String] = []
    init(_ builder: Builder) { self.builder = builder }
    func setAttribute(key: String, value: String) { attributes.append("\(key)=\(value)") }
    func end(time: Date) {
      let milliseconds = Int((time.timeIntervalSince(builder.start) * 1000).rounded())
      let failure = if case .error(let description) = status { " failed: \(description)" } else { "" }
      builder.recorded.add("\(builder.name) \(milliseconds) ms\(failure) \(attributes.sorted())")
    }
  }
}
