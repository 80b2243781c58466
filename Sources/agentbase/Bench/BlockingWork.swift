// Work that blocks, on a thread of its own: never on one of Swift's cooperative threads.

internal import Foundation

enum BlockingWork {
  /// Runs the body on a new thread and waits for what it answers.
  static func run<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
    try await withCheckedThrowingContinuation { continuation in
      Thread.detachNewThread { continuation.resume(with: Result { try body() }) }
    }
  }
}
