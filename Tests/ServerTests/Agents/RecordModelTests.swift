// Random operations on tools, metrics and executions, each answer compared with that of a model in memory.

import AgentBase
import Foundation
import TestSupport
import Testing

@Suite("Agents: records against a model") struct RecordModelTests {
  @Test("Every answer is the model's", arguments: TestBackend.all)
  func operations(_ backend: TestBackend) async throws {
    let seed = SeededGenerator.seed(for: "Records against a model")
    var random = SeededGenerator(seed: seed)
    try await backend.withAgent { agent in
      var model = RecordModel()
      for _ in 0..<150 {
        guard let operation = model.allows(.random(&random)) else { continue }
        let expected = model.apply(operation)
        let answer = try await Self.apply(operation, to: agent, &model)
        #expect(answer == expected, "seed \(seed): \(operation)")
      }
    }
  }

  /// Runs an operation, and puts its answer into words as the model does.
  private static func apply(
    _ operation: RecordModel.Operation, to agent: Agent, _ model: inout RecordModel
  ) async throws -> String {
    do {
      switch operation {
      case .register(let name): try await agent.registerTool(name)
      case .use(let name, let count, let succeeded, let milliseconds):
        try await agent.recordToolUse(
          name, count: count, succeeded: succeeded, duration: milliseconds.map { .milliseconds($0) })
      case .delete(let name): return "\(try await agent.deleteTool(name))"
      case .measure(let name, let value, let second):
        try await agent.recordMetric(name, value, timestamp: Date(timeIntervalSince1970: Double(second)))
      case .begin(let task): model.handles.append(try await agent.beginExecution(task))
      case .end(let place, let fails):
        let handle = model.handles[place % model.handles.count]
        if fails {
          try await agent.failExecution(handle, message: "x")
        } else {
          try await agent.finishExecution(handle)
        }
      case .tools:
        return try await agent.tools().map {
          RecordModel.line(
            $0.name, $0.usageCount, $0.successCount, $0.failureCount, $0.averageDurationMilliseconds)
        }.joined(separator: ";")
      case .list(let name, let from, let to, let limit):
        var values: [Double] = []
        var cursor: RecordCursor?
        repeat {
          let page = try await agent.metricsPage(
            name, from: from.map { Date(timeIntervalSince1970: Double($0)) },
            to: to.map { Date(timeIntervalSince1970: Double($0)) }, limit: limit, after: cursor)
          values += page.records.compactMap(\.value)
          cursor = page.next
        } while cursor != nil
        return "\(values)"
      case .spans(let name, let seconds):
        return try await agent.aggregateMetrics(name, every: .seconds(seconds), percentiles: [0.5]).map {
          RecordModel.line(
            Int($0.start.timeIntervalSince1970), $0.summary.count, $0.summary.sum, $0.last,
            $0.summary.percentiles[0.5] ?? .nan)
        }.joined(separator: ";")
      case .statistics(let task):
        let statistics = try await agent.executionStatistics(task: task)
        let counts = statistics.counts.map { "\($0.key)=\($0.value)" }.sorted()
        return "\(statistics.total) \(counts) \(statistics.durations?.count ?? 0)"
      case .executions(let task, let status, let limit):
        var tasks: [String] = []
        for try await execution in agent.allExecutions(task: task, status: status) {
          tasks.append("\(execution.task) \(execution.status)")
          if tasks.count == limit { break }
        }
        return "\(tasks)"
      }
      return "done"
    } catch let error as AgentBaseError {
      return "\(error.code)"
    }
  }
}

/// What an agent's records are, in memory.
struct RecordModel {
  enum Operation {
    case register(String)
    case use(String, count: Int, succeeded: Bool?, milliseconds: Int?)
    case delete(String)
    case measure(String, Double, second: Int)
    case begin(String)
    case end(Int, fails: Bool)
    case tools
    case list(String?, from: Int?, to: Int?, limit: Int)
    case spans(String, seconds: Int)
    case statistics(String?)
    case executions(String?, AgentExecution.Status?, limit: Int)

    static func random(_ random: inout SeededGenerator) -> Operation {
      let name = random.one(of: ["a", "b", "é"])
      switch Int.random(in: 0..<16, using: &random) {
      case 0, 1: return .register(name)
      case 2, 3, 4:
        return .use(
          name, count: Int.random(in: 0...5, using: &random), succeeded: random.one(of: [nil, true, false]),
          milliseconds: random.chance(0.5) ? Int.random(in: 0...100, using: &random) : nil)
      case 5: return .delete(name)
      case 6, 7, 8, 9:
        return .measure(
          name, Double.random(in: -10...10, using: &random),
          second: Int.random(in: -500...500, using: &random))
      case 10: return .begin(name)
      case 11: return .end(Int.random(in: 0..<1000, using: &random), fails: random.chance(0.3))
      case 12: return .tools
      case 13:
        let (from, to) = (random.chance(0.5) ? -200 : nil, random.chance(0.5) ? 200 : nil)
        return .list(
          random.one(of: [nil, name]), from: from, to: to, limit: Int.random(in: 1...9, using: &random))
      case 14: return .spans(name, seconds: random.one(of: [1, 60, 7 * 60, 86_400]))
      default:
        return random.chance(0.5)
          ? .statistics(random.one(of: [nil, name]))
          : .executions(
            random.one(of: [nil, name]), random.one(of: [nil, .running, .completed]),
            limit: Int.random(in: 1...9, using: &random))
      }
    }
  }

  private struct Tool {
    var uses = 0
    var successes = 0
    var failures = 0
    var timed = 0
    var milliseconds = 0.0
  }

  private var tools: [String: Tool] = [:]
  private var metrics: [(name: String, value: Double, second: Int)] = []
  private var executions: [(task: String, status: AgentExecution.Status)] = []
  /// The handles of the executions, in the order in which they began.
  var handles: [ExecutionHandle] = []

  /// The operation; nil where the answer would be the backend's own: of equal times it has an order, and the model has none.
  func allows(_ operation: Operation) -> Operation? {
    switch operation {
    case .measure(_, _, let second): metrics.contains { $0.second == second } ? nil : operation
    case .end: executions.isEmpty ? nil : operation
    default: operation
    }
  }

  static func line(
    _ name: String, _ uses: some BinaryInteger, _ successes: some BinaryInteger,
    _ failures: some BinaryInteger, _ average: Double?
  ) -> String {
    "\(name) \(uses) \(successes) \(failures) \(average ?? -1)"
  }

  static func line(_ start: Int, _ count: Int, _ sum: Double, _ last: Double, _ median: Double) -> String {
    "\(start) \(count) \(sum) \(last) \(median)"
  }

  mutating func apply(_ operation: Operation) -> String {
    switch operation {
    case .register(let name): tools[name] = tools[name] ?? Tool()
    case .use(let name, let count, let succeeded, let milliseconds):
      guard count > 0 else { return "invalidValue" }
      guard var tool = tools[name] else { return "unknownTool" }
      tool.uses += count
      if succeeded == true { tool.successes += count }
      if succeeded == false { tool.failures += count }
      if let milliseconds {
        tool.timed += count
        tool.milliseconds += Double(milliseconds)
      }
      tools[name] = tool
    case .delete(let name): return "\(tools.removeValue(forKey: name) != nil)"
    case .measure(let name, let value, let second):
      metrics.append((name, value, second))
    case .begin(let task): executions.append((task, .running))
    case .end(let place, let fails):
      let place = place % executions.count
      guard executions[place].status == .running else { return "notRunning" }
      executions[place].status = fails ? .failed : .completed
    case .tools:
      return tools.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }.map { name, tool in
        Self.line(
          name, tool.uses, tool.successes, tool.failures,
          tool.timed > 0 ? tool.milliseconds / Double(tool.timed) : nil)
      }.joined(separator: ";")
    case .list(let name, let from, let to, _):
      return
        "\(metrics.filter { $0.name == name ?? $0.name && $0.second >= from ?? -1000 && $0.second < to ?? 1000 }.sorted { $0.second > $1.second }.map(\.value))"
    case .spans(let name, let seconds):
      let spans = Dictionary(grouping: metrics.filter { $0.name == name }) {
        Int((Double($0.second) / Double(seconds)).rounded(.down)) * seconds
      }
      return spans.sorted { $0.key < $1.key }.map { start, metrics in
        let sorted = metrics.map(\.value).sorted()
        let (low, high) = (sorted[(sorted.count - 1) / 2], sorted[sorted.count / 2])
        let last = metrics.max { $0.second < $1.second }?.value ?? .nan
        return Self.line(
          start, sorted.count, sorted.dropFirst().reduce(sorted[0], +), last, low + 0.5 * (high - low))
      }.joined(separator: ";")
    case .statistics(let task):
      let found = executions.filter { $0.task == task ?? $0.task }
      let counts = Dictionary(grouping: found, by: \.status).map { "\($0.key)=\($0.value.count)" }.sorted()
      return "\(found.count) \(counts) \(found.filter { $0.status != .running }.count)"
    case .executions(let task, let status, let limit):
      let found = executions.reversed().filter {
        $0.task == task ?? $0.task && $0.status == status ?? $0.status
      }
      return "\(found.prefix(limit).map { "\($0.task) \($0.status)" })"
    }
    return "done"
  }
}
