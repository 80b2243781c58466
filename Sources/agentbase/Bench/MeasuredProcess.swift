// Runs a program to its end and measures it: time, memory, processor.

internal import Foundation
internal import Glibc
internal import Synchronization

/// A program that was run to its end.
///
/// The peak of its memory is the kernel's high-water mark of the process itself, read while it runs: what wait4(2) answers counts
/// the memory of the process that started it too, until it became another program.
struct MeasuredProcess: Sendable {
  let measurement: BenchMeasurement
  /// The exit code, or 128 and the signal that ended it.
  let status: Int32
  /// The end of what it said, standard output and standard error.
  let output: String

  /// Runs a command, whose first word is looked up in `PATH`, with our environment and these variables. No variable of libpq is
  /// inherited. Cancelling the task kills it.
  ///
  /// - Parameter log: the file that its output goes to.
  static func run(
    _ command: [String], environment: [String: String], log: String
  ) async throws -> MeasuredProcess {
    let child = Child()
    return try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        // A thread of its own: waiting for a process blocks.
        Thread.detachNewThread {
          continuation.resume(
            with: Result { try runBlocking(command, environment: environment, log: log, as: child) })
        }
      }
    } onCancel: {
      child.kill()
    }
  }

  private static func runBlocking(
    _ command: [String], environment: [String: String], log: String, as child: Child
  ) throws -> MeasuredProcess {
    let start = ContinuousClock.now
    let process = try child.start { () throws(Failure) in
      try spawn(command, environment: environment, log: log)
    }
    var peak: Int?
    var looks = 0
    while true {
      if let end = child.end() {
        let seconds = (ContinuousClock.now - start) / .seconds(1)
        let usage = BenchMeasurement(seconds: seconds, peakBytes: peak, cpuSeconds: end.cpuSeconds)
        return MeasuredProcess(measurement: usage, status: end.status, output: endOfFile(log))
      }
      // The mark only grows: what is missed is what came in the last hundredth of a second.
      if looks.isMultiple(of: 5) { peak = highWaterMark(of: process) ?? peak }
      looks += 1
      usleep(2000)
    }
  }

  // MARK: - Starting

  private static func spawn(
    _ command: [String], environment: [String: String], log: String
  ) throws(Failure) -> pid_t {
    var actions = unsafe posix_spawn_file_actions_t()
    unsafe posix_spawn_file_actions_init(&actions)
    defer { unsafe posix_spawn_file_actions_destroy(&actions) }
    unsafe posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    unsafe posix_spawn_file_actions_addopen(&actions, 1, log, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
    unsafe posix_spawn_file_actions_adddup2(&actions, 1, 2)
    // The threads of Dispatch block signals, and a child inherits that: pgbench would never hear its clock.
    var attributes = posix_spawnattr_t()
    unsafe posix_spawnattr_init(&attributes)
    defer { unsafe posix_spawnattr_destroy(&attributes) }
    var none = sigset_t()
    unsafe sigemptyset(&none)
    unsafe posix_spawnattr_setsigmask(&attributes, &none)
    unsafe posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
    var variables = ProcessInfo.processInfo.environment.filter { !$0.key.hasPrefix("PG") }
    variables.merge(environment) { $1 }
    let argv = unsafe command.map { unsafe strdup($0) } + [nil]
    let envp = unsafe variables.map { unsafe strdup("\($0.key)=\($0.value)") } + [nil]
    // By index: the formatter does not know `for unsafe`.
    defer {
      for place in unsafe argv.indices { unsafe free(argv[place]) }
      for place in unsafe envp.indices { unsafe free(envp[place]) }
    }
    var process: pid_t = 0
    let code = unsafe posix_spawnp(&process, command[0], &actions, &attributes, argv, envp)
    guard code == 0 else {
      throw Failure(
        "\(command[0]) cannot be run: \(unsafe String(cString: strerror(code)))",
        advice: "check that it is installed")
    }
    return process
  }

  // MARK: - Looking

  /// The most memory that a process has held, in bytes (`VmHWM` of proc(5)); nil where it is gone.
  private static func highWaterMark(of process: pid_t) -> Int? {
    guard let data = FileManager.default.contents(atPath: "/proc/\(process)/status") else { return nil }
    let line = String(decoding: data, as: UTF8.self).split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
    return line?.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { Int($0) }.map { $0 * 1024 }
  }

  private static func endOfFile(_ path: String) -> String {
    guard let file = FileHandle(forReadingAtPath: path), let size = try? file.seekToEnd() else { return "" }
    try? file.seek(toOffset: size > 4000 ? size - 4000 : 0)
    return String(decoding: (try? file.readToEnd()) ?? Data(), as: UTF8.self)
  }
}

/// A child that may be killed by whoever cancels, as long as its number is its own.
private final class Child: Sendable {
  private enum State {
    case new
    case running(pid_t)
    case over
  }
  private let state = Mutex(State.new)

  /// Starts it, unless it was killed before.
  func start(_ spawn: () throws(Failure) -> pid_t) throws -> pid_t {
    try state.withLock { state in
      guard case .new = state else { throw CancellationError() }
      let process = try spawn()
      state = .running(process)
      return process
    }
  }

  /// How it ended; nil while it runs.
  func end() -> (status: Int32, cpuSeconds: Double)? {
    state.withLock { state in
      guard case .running(let process) = state else { return (0, 0) }
      var status: Int32 = 0
      var usage = rusage()
      let answer = unsafe wait4(process, &status, WNOHANG, &usage)
      guard answer == process || (answer < 0 && errno != EINTR) else { return nil }
      state = .over
      let signal = status & 0x7F
      let seconds = { (time: timeval) in Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }
      return (
        signal == 0 ? (status >> 8) & 0xFF : 128 + signal, seconds(usage.ru_utime) + seconds(usage.ru_stime)
      )
    }
  }

  func kill() {
    state.withLock { state in
      switch state {
      case .new: state = .over
      case .running(let process): _ = Glibc.kill(process, SIGKILL)
      case .over: break
      }
    }
  }
}
