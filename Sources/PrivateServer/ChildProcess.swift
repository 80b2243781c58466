// Runs one of PostgreSQL's programs and waits for it away from Swift's cooperative threads.
//
// Foundation's Process cannot be used: on Linux it learns of a child's end from a socket that the child and
// all of its descendants hold open, so that it never sees the end of `pg_ctl start`, whose server lives on.

import Foundation
import Glibc

/// A program that was run to its end.
struct ChildProcess: Sendable {
  /// The exit code, or 128 and the signal that ended it, as a shell counts.
  let status: Int32
  /// Standard output and standard error, in the order in which they were written.
  let output: String

  /// Runs a command, the first word of which is the path of a program.
  static func run(_ command: [String]) async throws(PrivateServerError) -> ChildProcess {
    let result: Result<ChildProcess, PrivateServerError> = await withCheckedContinuation { continuation in
      // A thread of its own: waiting for a process blocks.
      Thread.detachNewThread {
        continuation.resume(
          returning: Result { () throws(PrivateServerError) in try runBlocking(command) })
      }
    }
    return try result.get()
  }

  /// Runs a command and throws what it said if it failed.
  @discardableResult
  static func check(
    _ command: [String], program: String
  ) async throws(PrivateServerError) -> String {
    let child = try await run(command)
    guard child.status == 0 else {
      throw .commandFailed(program: program, status: child.status, output: child.output)
    }
    return child.output
  }

  private static func runBlocking(_ command: [String]) throws(PrivateServerError) -> ChildProcess {
    // A file and not a pipe: nobody has to read it while the program runs, nor to wait for its end.
    let path = "\(NSTemporaryDirectory())agentbase-output-\(UUID().uuidString)"
    let output = unsafe open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard output >= 0 else { throw .fileFailed(path: path, reason: lastError()) }
    let file = FileHandle(fileDescriptor: output, closeOnDealloc: true)
    unsafe unlink(path)
    let status = try wait(for: spawn(command, output: output))
    try? file.seek(toOffset: 0)
    let text = String(decoding: (try? file.readToEnd()) ?? Data(), as: UTF8.self)
    return ChildProcess(status: status, output: text.trimmingCharacters(in: .whitespacesAndNewlines))
  }

  // MARK: Processes

  /// Starts a program that inherits nothing but its standard streams, in a session of its own if asked.
  ///
  /// Streams that are not given are `/dev/null`. Whoever starts a process must ``wait(for:)`` it.
  static func spawn(
    _ command: [String], input: Int32? = nil, output: Int32? = nil, ownSession: Bool = false
  ) throws(PrivateServerError) -> pid_t {
    var actions = unsafe posix_spawn_file_actions_t()
    unsafe posix_spawn_file_actions_init(&actions)
    defer { unsafe posix_spawn_file_actions_destroy(&actions) }
    unsafe redirect(0, to: input, in: &actions)
    unsafe redirect(1, to: output, in: &actions)
    unsafe redirect(2, to: output, in: &actions)
    // A server that held on to our own streams would keep whoever reads them waiting. (glibc's closefrom
    // action is not in Swift's module; one that is opened meanwhile is marked close-on-exec or harmless.)
    let open = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")) ?? []
    for descriptor in open.compactMap({ Int32($0) }) where descriptor > 2 {
      unsafe posix_spawn_file_actions_addclose(&actions, descriptor)
    }

    var attributes = posix_spawnattr_t()
    unsafe posix_spawnattr_init(&attributes)
    defer { unsafe posix_spawnattr_destroy(&attributes) }
    if ownSession { unsafe posix_spawnattr_setflags(&attributes, setSession) }

    // The server's user may not be allowed to enter the folder that we are in.
    let command = ["/usr/bin/env", "--chdir=/"] + command
    let arguments = unsafe CStrings(command)
    let variables = unsafe CStrings(environment().map { "\($0.key)=\($0.value)" })
    defer {
      unsafe arguments.free()
      unsafe variables.free()
    }
    var process: pid_t = 0
    let code = unsafe posix_spawn(
      &process, command[0], &actions, &attributes, arguments.pointers, variables.pointers)
    guard code == 0 else {
      throw .fileFailed(path: command[0], reason: "cannot be run: \(unsafe String(cString: strerror(code)))")
    }
    return process
  }

  /// Waits for the end of a process that we started; blocks the thread.
  static func wait(for process: pid_t) -> Int32 {
    var status: Int32 = 0
    while unsafe waitpid(process, &status, 0) < 0 {
      guard errno == EINTR else { return 0 }
    }
    let signal = status & 0x7F
    return signal == 0 ? (status >> 8) & 0xFF : 128 + signal
  }

  /// POSIX_SPAWN_SETSID, which Swift's Glibc module leaves out.
  private static let setSession: Int16 = 0x80

  private static func redirect(
    _ stream: Int32, to source: Int32?, in actions: inout posix_spawn_file_actions_t
  ) {
    if let source {
      unsafe posix_spawn_file_actions_adddup2(&actions, source, stream)
    } else {
      unsafe posix_spawn_file_actions_addopen(&actions, stream, "/dev/null", O_RDWR, 0)
    }
  }

  /// Our environment without PostgreSQL's own variables, which would lead its programs elsewhere.
  private static func environment() -> [String: String] {
    var environment = ProcessInfo.processInfo.environment.filter { !$0.key.hasPrefix("PG") }
    environment["LC_ALL"] = "C"
    return environment
  }
}

/// C's array of strings that ends with a null pointer.
@unsafe private struct CStrings {
  let pointers: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
  private let count: Int

  init(_ strings: [String]) {
    unsafe count = strings.count
    unsafe pointers = .allocate(capacity: count + 1)
    for (index, string) in strings.enumerated() { unsafe pointers[index] = strdup(string) }
    unsafe pointers[count] = nil
  }

  func free() {
    for index in unsafe 0..<count { unsafe Glibc.free(pointers[index]) }
    unsafe pointers.deallocate()
  }
}
