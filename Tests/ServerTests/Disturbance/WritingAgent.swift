// Another process that goes on writing to legacy files.

import AgentBase
import Foundation

/// An agent at work, until it is stopped.
final class WritingAgent: Sendable {
  private let process: Process
  private let end: AsyncStream<Void>

  /// Starts an agent, and waits until it has written for the first time.
  ///
  /// - Parameters:
  ///   - statements: what it does, one of them at a time at random; `?1` is a number that was never used before.
  ///   - seed: what decides which.
  init(files: [String], statements: [String], seed: UInt64) throws {
    process = Process()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments =
      ["python3", "-c", Self.script, String(seed), JSON.array(statements.map(JSON.string)).text] + files
    let output = Pipe()
    process.standardOutput = output
    let (end, ended) = AsyncStream.makeStream(of: Void.self)
    self.end = end
    process.terminationHandler = { _ in ended.finish() }
    try process.run()
    _ = output.fileHandleForReading.availableData
  }

  deinit { kill() }

  private func kill() {
    if process.isRunning { Glibc.kill(process.processIdentifier, SIGKILL) }
  }

  /// Kills it, and waits until it is gone.
  ///
  /// - Returns: whether it was at work until then.
  func stop() async -> Bool {
    let wasAtWork = process.isRunning
    kill()
    for await _ in end {}
    return wasAtWork
  }

  private static let script = """
    import json, os, random, sqlite3, sys, time
    chance = random.Random(int(sys.argv[1]))
    statements = json.loads(sys.argv[2])
    agents = [sqlite3.connect(path, timeout=60) for path in sys.argv[3:]]
    parent = os.getppid()
    number = 10000
    while os.getppid() == parent:
        agent = chance.choice(agents)
        for _ in range(chance.randint(1, 8)):
            number += 1
            agent.execute(chance.choice(statements), (number,))
        agent.commit()
        if number < 10010: print("ready", flush=True)
        time.sleep(0.01)
    """
}
