// Removes expired memories now and then, once a database and process.

import Synchronization

/// What a database's sweeps stand on: one task, which runs the jobs that were given to it.
final class Sweeper: Sendable {
  /// Removes expired memories until none is left.
  typealias Job = @Sendable () async throws -> Int

  private struct State {
    var jobs: [String: Job] = [:]
    var task: Task<Void, Never>?
    var isStopped = false
  }

  private let state = Mutex(State())

  /// Runs a job with those that are there already, each once whatever its name is given for; the first one starts the task,
  /// with its interval and its handler of events.
  func add(_ name: String, every interval: Duration, for config: AgentConfig, _ job: @escaping Job) {
    let handler = config.eventHandler.flatMap { $0.wants(.sweep) ? $0 : nil }
    state.withLock { state in
      guard !state.isStopped else { return }
      state.jobs[name] = job
      guard state.task == nil else { return }
      state.task = Task { [weak self] in
        while (try? await Task.sleep(for: max(interval, .milliseconds(1)))) != nil {
          guard let jobs = self?.jobs else { return }
          for (name, job) in jobs { await Self.run(job, name, handler) }
        }
      }
    }
  }

  /// Ends the task, when a sweep that is under way has ended.
  func stop() async {
    let task = state.withLock { state in
      state.isStopped = true
      state.jobs = [:]
      return state.task
    }
    task?.cancel()
    await task?.value
  }

  private var jobs: [(String, Job)] {
    state.withLock { state in state.jobs.sorted { $0.key < $1.key }.map { ($0.key, $0.value) } }
  }

  private static func run(_ job: Job, _ name: String, _ handler: (any AgentEventHandler)?) async {
    let agent = name.isEmpty ? nil : name
    do {
      let count = try await job()
      guard count > 0 else { return }
      handler?.handle(AgentEvent(.sweep, "removed \(count) expired memories", agent: agent, count: count))
    } catch is CancellationError {
      return
    } catch {
      handler?.handle(
        AgentEvent(.sweep, "expired memories could not be removed: \(error)", level: .warning, agent: agent))
    }
  }
}
