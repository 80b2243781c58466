// Keeps the rates of a run while it goes on, from whatever thread its events come.

import Synchronization

/// Samples a run's events by the clock.
final class RateRecorder: Sendable {
  private let state = Mutex((start: ContinuousClock.now, rates: RunRates()))

  /// Begins a run: its time counts from now.
  func begin() { state.withLock { $0 = (ContinuousClock.now, RunRates()) } }

  /// Takes an event that has just happened.
  func take(_ event: ImportEvent) {
    state.withLock { $0.rates.take(event, at: $0.start.secondsAgo) }
  }

  /// What was sampled so far.
  var rates: RunRates { state.withLock(\.rates) }
}
