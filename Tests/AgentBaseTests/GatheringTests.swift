// Calls that share a statement, on a database that is none: who runs alone, who together, and who gets which answer.

import Foundation
import Synchronization
import TestSupport
import Testing

@testable import AgentBase

@Suite struct GatheringTests {
  // MARK: - Alone and together

  @Test func aLoneCallRunsByItself() async throws {
    let work = FakeWork()
    let gatherer = CallGatherer(work, limits: GatheringLimits(batches: 2, calls: 8, patience: .seconds(600)))
    for number in 0..<5 { #expect(try await gatherer.call(FakeCall(number)) == number * 2) }
    #expect(work.log.alone == [0, 1, 2, 3, 4] && work.log.together.isEmpty)
  }

  @Test func callsBeyondTheRoomRunTogetherAndGetTheirOwnAnswers() async throws {
    let work = FakeWork(isClosed: true)
    let gatherer = CallGatherer(work, limits: GatheringLimits(batches: 2, calls: 8, patience: .seconds(600)))
    let tasks = try await started(0..<30, on: gatherer, work)
    work.open()
    for (number, task) in tasks.enumerated() { #expect(try await task.value == number * 2) }
    #expect(work.log.alone == [0, 1])
    #expect(work.log.together.map(\.count).max() == 8 && work.log.together.joined().count == 28)
    // In the order of their arrival.
    #expect(work.log.together.first == Array(2...9))
    #expect(work.log.mostAtOnce == 2)
    #expect(gatherer.waitingCount == 0)
  }

  @Test func oneKeyIsInABatchOnceAndInOrder() async throws {
    let work = FakeWork(isClosed: true)
    let gatherer = CallGatherer(work, limits: GatheringLimits(batches: 1, calls: 8, patience: .seconds(600)))
    let calls = (0..<20).map { FakeCall($0, key: $0 < 10 ? 7 : $0) }
    let tasks = try await started(calls, on: gatherer, work)
    work.open()
    for (number, task) in tasks.enumerated() { #expect(try await task.value == number * 2) }
    for batch in work.log.together { #expect(batch.count { $0 < 10 } <= 1, "\(batch)") }
    #expect(work.log.together.joined().filter { $0 < 10 } == Array(1..<10))
  }

  @Test func callsThatTakeLongByThemselvesDoNotKeepOthersWaiting() async throws {
    let work = FakeWork(isClosed: true)
    let gatherer = CallGatherer(
      work, limits: GatheringLimits(batches: 2, calls: 8, patience: .milliseconds(20)))
    let tasks = (0..<6).map { number in Task { try await gatherer.call(FakeCall(number)) } }
    // The two that run by themselves wait for ever; the others go past them, with each other or by themselves.
    try await until { work.log.alone.count + work.log.together.joined().count == 6 }
    #expect(work.log.alone.count >= 2)
    work.open()
    for (number, task) in tasks.enumerated() { #expect(try await task.value == number * 2) }
  }

  // MARK: - Failures

  @Test func aFailedBatchIsRunCallByCallSoThatEachGetsItsOwnError() async throws {
    let work = FakeWork(isClosed: true, refused: [5, 11])
    let gatherer = CallGatherer(work, limits: GatheringLimits(batches: 2, calls: 8, patience: .seconds(600)))
    let tasks = try await started(0..<16, on: gatherer, work)
    work.open()
    for (number, task) in tasks.enumerated() {
      if number == 5 || number == 11 {
        await #expect(throws: FakeError.refused(number)) { try await task.value }
      } else {
        #expect(try await task.value == number * 2)
      }
    }
  }

  @Test func whereNothingCanHelpAllWhoWaitAreTold() async throws {
    let work = FakeWork(isClosed: true)
    let gatherer = CallGatherer(work, limits: GatheringLimits(batches: 1, calls: 4, patience: .seconds(600)))
    let tasks = try await started(0..<20, on: gatherer, work)
    work.fail(.gone)
    work.open()
    #expect(try await tasks[0].value == 0)
    for task in tasks.dropFirst() { await #expect(throws: FakeError.gone) { try await task.value } }
    #expect(work.log.together.count == 1)
    work.fail(nil)
    #expect(try await gatherer.call(FakeCall(50)) == 100)
  }

  // MARK: - Cancellation

  @Test func whoIsCancelledWhileWaitingNeverRuns() async throws {
    let work = FakeWork(isClosed: true)
    let gatherer = CallGatherer(work, limits: GatheringLimits(batches: 1, calls: 8, patience: .seconds(600)))
    let tasks = try await started(0..<10, on: gatherer, work)
    for number in [3, 6] {
      tasks[number].cancel()
      await #expect(throws: CancellationError.self) { try await tasks[number].value }
    }
    work.open()
    for number in [0, 1, 2, 4, 5, 7, 8, 9] { #expect(try await tasks[number].value == number * 2) }
    #expect(!work.log.together.joined().contains(3) && !work.log.together.joined().contains(6))
  }

  @Test func aReadThatIsUnderWayIsLeftAtOnceAndAStoreWithTheServersUndoing() async throws {
    for leavesAtOnce in [true, false] {
      let work = FakeWork(isClosed: true, leavesAtOnce: leavesAtOnce)
      let gatherer = CallGatherer(
        work, limits: GatheringLimits(batches: 1, calls: 8, patience: .seconds(600)))
      let tasks = try await started(0..<6, on: gatherer, work)
      work.openOnce()
      #expect(try await tasks[0].value == 0)
      try await until { work.log.together.count == 1 }
      tasks[2].cancel()
      await #expect(throws: CancellationError.self) { try await tasks[2].value }
      work.open()
      for number in [1, 3, 4, 5] { #expect(try await tasks[number].value == number * 2) }
      // The others of the batch of stores were sent again, without it.
      #expect(work.log.together == (leavesAtOnce ? [[1, 2, 3, 4, 5]] : [[1, 2, 3, 4, 5], [1, 3, 4, 5]]))
    }
  }

  // MARK: - At random

  @Test func whateverHappensEachCallIsAnsweredOnceAndRightly() async throws {
    let seed = SeededGenerator.seed(for: "gathering")
    var generator = SeededGenerator(seed: seed)
    for round in 0..<8 {
      let refused = Set((0..<400).filter { _ in generator.chance(0.01) })
      let cancelled = (0..<400).filter { _ in generator.chance(0.1) }
      let work = FakeWork(refused: refused, leavesAtOnce: round.isMultiple(of: 2), delay: .microseconds(300))
      let limits = GatheringLimits(
        batches: Int.random(in: 1...4, using: &generator), calls: Int.random(in: 1...40, using: &generator))
      let gatherer = CallGatherer(work, limits: limits)
      let keys = Int.random(in: 1...400, using: &generator)
      let tasks = (0..<400).map { number in
        Task { try await gatherer.call(FakeCall(number, key: number % keys)) }
      }
      for number in cancelled { tasks[number].cancel() }
      for (number, task) in tasks.enumerated() {
        switch await task.result {
        case .success(let answer): #expect(answer == number * 2)
        case .failure(FakeError.refused(let place)): #expect(place == number && refused.contains(number))
        case .failure(is CancellationError): #expect(cancelled.contains(number))
        case .failure(let error): Issue.record("\(number): \(error)")
        }
      }
      #expect(gatherer.waitingCount == 0)
      for batch in work.log.together {
        #expect(batch.count <= limits.calls && Set(batch.map { $0 % keys }).count == batch.count)
      }
    }
  }

  // MARK: - Help

  /// Starts calls one after the other: each waits, or is under way, before the next begins.
  private func started(
    _ numbers: Range<Int>, on gatherer: CallGatherer<FakeWork>, _ work: FakeWork
  ) async throws -> [Task<Int, any Error>] {
    try await started(numbers.map { FakeCall($0) }, on: gatherer, work)
  }

  private func started(
    _ calls: [FakeCall], on gatherer: CallGatherer<FakeWork>, _ work: FakeWork
  ) async throws -> [Task<Int, any Error>] {
    var tasks: [Task<Int, any Error>] = []
    for call in calls {
      let before = gatherer.waitingCount + work.log.alone.count
      tasks.append(Task { try await gatherer.call(call) })
      try await until { gatherer.waitingCount + work.log.alone.count > before }
    }
    return tasks
  }

  private func until(_ condition: () -> Bool) async throws {
    let deadline = ContinuousClock.now + .seconds(60)
    while !condition() {
      guard ContinuousClock.now < deadline else {
        Issue.record("it did not come about in a minute")
        return
      }
      try await Task.sleep(for: .milliseconds(1))
    }
  }
}

// MARK: - A database that is none

private struct FakeCall: Sendable {
  let number: Int
  let key: Int?

  init(_ number: Int, key: Int? = nil) {
    self.number = number
    self.key = key
  }
}

private enum FakeError: Error, Equatable {
  case refused(Int)
  case batchRefused
  case gone
}

/// Answers twice the number, when its gate is open.
private final class FakeWork: GatheredWork {
  struct Log {
    var alone: [Int] = []
    var together: [[Int]] = []
    var atOnce = 0
    var mostAtOnce = 0
  }

  private struct State {
    var log = Log()
    var isClosed: Bool
    var passes = 0
    var failure: FakeError?
  }

  private let state: Mutex<State>
  private let refused: Set<Int>
  private let delay: Duration
  let leavesAtOnce: Bool

  init(isClosed: Bool = false, refused: Set<Int> = [], leavesAtOnce: Bool = false, delay: Duration = .zero) {
    state = Mutex(State(isClosed: isClosed))
    self.refused = refused
    self.leavesAtOnce = leavesAtOnce
    self.delay = delay
  }

  var log: Log { state.withLock { $0.log } }
  func open() { state.withLock { $0.isClosed = false } }
  /// Lets one call or batch through.
  func openOnce() { state.withLock { $0.passes += 1 } }
  func fail(_ error: FakeError?) { state.withLock { $0.failure = error } }

  func key(of call: FakeCall) -> Int? { call.key }

  func run(_ call: FakeCall) async throws -> Int {
    state.withLock { $0.log.alone.append(call.number) }
    try await pass()
    if refused.contains(call.number) { throw FakeError.refused(call.number) }
    return call.number * 2
  }

  func run(together calls: [FakeCall]) async throws -> [GatheredAnswer<Int>] {
    state.withLock { $0.log.together.append(calls.map(\.number)) }
    try await pass()
    if let failure = state.withLock({ $0.failure }) { throw failure }
    if calls.contains(where: { refused.contains($0.number) }) { throw FakeError.batchRefused }
    return calls.map { .answer($0.number * 2) }
  }

  func meaning(of error: any Error) -> GatheredFailure {
    switch error {
    case is CancellationError: .cancelled
    case FakeError.batchRefused: .runApart
    default: .failsAll
    }
  }

  private func pass() async throws {
    state.withLock { state in
      state.log.atOnce += 1
      state.log.mostAtOnce = max(state.log.mostAtOnce, state.log.atOnce)
    }
    defer { state.withLock { $0.log.atOnce -= 1 } }
    if delay > .zero { try await Task.sleep(for: delay) }
    while true {
      let passes = state.withLock { state in
        if !state.isClosed { return true }
        guard state.passes > 0 else { return false }
        state.passes -= 1
        return true
      }
      if passes { return }
      try await Task.sleep(for: .milliseconds(1))
    }
  }
}
