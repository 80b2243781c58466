// SIGINT and SIGTERM: the first asks the work to end and undo what is under way, the second ends the process.

internal import Dispatch
internal import Glibc
internal import Synchronization

/// Calls back once when the user or the system asks the process to end.
///
/// A signal handler may do almost nothing, so it writes a byte into a pipe; a handler, other than an ignored or blocked
/// signal, is not inherited by the servers that the command starts.
struct Interruption {
  /// Begins to listen, for as long as the process lives.
  init(_ onInterrupt: @escaping @Sendable () -> Void) throws(Failure) {
    var ends: [Int32] = [-1, -1]
    guard unsafe pipe(&ends) == 0 else {
      throw Failure(
        "no pipe can be made: \(unsafe String(cString: strerror(errno)))", advice: "close other programs")
    }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    receivedSignal.pipe.store(ends[1], ordering: .sequentiallyConsistent)
    // The source keeps itself alive by its handler until the signal comes.
    let source = DispatchSource.makeReadSource(fileDescriptor: ends[0], queue: .global())
    source.setEventHandler {
      source.cancel()
      onInterrupt()
    }
    source.activate()
    for number in [SIGINT, SIGTERM] {
      var action = sigaction()
      unsafe action.__sigaction_handler.sa_handler = { receivedSignal.handle($0) }
      action.sa_flags = SA_RESTART
      unsafe sigaction(number, &action, nil)
    }
  }

  /// The signal that came; nil where none did.
  var signal: Int32? {
    let number = receivedSignal.number.load(ordering: .sequentiallyConsistent)
    return number == 0 ? nil : number
  }
}

/// What the handler of the process's signals may touch.
private let receivedSignal = ReceivedSignal()

private final class ReceivedSignal: Sendable {
  let number = Atomic<Int32>(0)
  let pipe = Atomic<Int32>(-1)

  /// Async-signal-safe: two atomics and write(2), or _exit(2).
  func handle(_ signal: Int32) {
    guard number.exchange(signal, ordering: .sequentiallyConsistent) == 0 else { _exit(1) }
    var byte: UInt8 = 1
    let saved = errno
    _ = unsafe write(pipe.load(ordering: .sequentiallyConsistent), &byte, 1)
    errno = saved
  }
}
