// An agent in a process of its own, which writes at random until it is killed, and keeps a log of what was acknowledged.

import AgentBase
import Foundation
import TestSupport
import Testing

/// One process of a schedule.
struct CutoverWriter: Codable, Sendable {
  /// The file, the database, and the agent.
  var path: String
  var url: String
  var agent: String
  /// What its values and its own keys begin with.
  var name: String
  var seed: UInt64
  /// When it kills itself.
  var milliseconds: Int
  /// Where it writes what it is about to do, and what was acknowledged.
  var log: String

  /// The keys that several processes write.
  static let sharedKeys = (0..<4).map { "shared \($0)" }

  /// Writes until it is killed. A line of the log is written whole: a kill comes before it, or behind it.
  func run() async throws {
    let end = milliseconds
    Thread.detachNewThread {
      Thread.sleep(forTimeInterval: Double(end) / 1000)
      kill(getpid(), SIGKILL)
    }
    var random = SeededGenerator(seed: seed)
    var config = AgentConfig(name: agent, memoryBackend: .dual(sqlitePath: path, url: url))
    config.eventHandler = nil
    let agent = try await Agent(config)
    let handle = try #require(FileHandle(forWritingAtPath: log))
    var number = 0
    func write(_ words: String...) throws {
      try handle.write(contentsOf: Data((words.joined(separator: "\t") + "\n").utf8))
    }
    while true {
      number += 1
      let key = random.chance(0.5) ? random.one(of: Self.sharedKeys) : "\(name) \(number % 3)"
      let value = "\(name)\t\(number)"
      do {
        switch Int.random(in: 0..<10, using: &random) {
        case 0:
          let own = "\(name) \(number % 3)"
          try write("try", own, "\(number)")
          try await agent.deleteMemory(own)
          try write("ack", own, "\(number)", "deleted")
        case 1:
          try write("try", "metric", "\(number)")
          try await agent.recordMetric(name, Double(number))
          try write("ack", "metric", "\(number)")
        case 2:
          let own = "\(name) \(number % 3)"
          try write("try", own, "\(number)")
          try write("try", key, "\(number)")
          try await agent.transaction { transaction in
            try await transaction.storeMemory(own, value)
            try await transaction.storeMemory(key, value)
          }
          try write("ack", own, "\(number)")
          try write("ack", key, "\(number)")
        default:
          try write("try", key, "\(number)")
          try await agent.storeMemory(key, value)
          try write("ack", key, "\(number)")
          // What was acknowledged is read; a shared key may have another's value by now.
          if key.hasPrefix(name), try await agent.retrieveMemory(key, as: String.self) != value {
            try write("stale", key, "\(number)")
          }
        }
      } catch is AgentBaseError {
        // Postgres alone, and its server is down: not acknowledged.
        try await Task.sleep(for: .milliseconds(20))
      }
    }
  }

  /// What the log says of each key: the last number that was tried, the last that was acknowledged, whether that was a deletion.
  struct Line {
    var tried = 0
    var acknowledged = 0
    var isDeletion = false
  }

  /// The logs of a process, by key, and the numbers of its measurements.
  func history() throws -> (
    keys: [String: Line], metrics: (tried: Set<Int>, acknowledged: Set<Int>), stale: Int
  ) {
    var keys: [String: Line] = [:]
    var metrics: (tried: Set<Int>, acknowledged: Set<Int>) = ([], [])
    var stale = 0
    for text in try String(contentsOfFile: log, encoding: .utf8).split(separator: "\n") {
      let words = text.split(separator: "\t").map(String.init)
      guard words.count >= 3, let number = Int(words[2]) else { continue }
      switch (words[0], words[1]) {
      case ("try", "metric"): metrics.tried.insert(number)
      case ("ack", "metric"): metrics.acknowledged.insert(number)
      case ("try", let key): keys[key, default: Line()].tried = number
      case ("ack", let key):
        keys[key, default: Line()].acknowledged = number
        keys[key]?.isDeletion = words.count > 3
      default: stale += 1
      }
    }
    return (keys, metrics, stale)
  }
}
