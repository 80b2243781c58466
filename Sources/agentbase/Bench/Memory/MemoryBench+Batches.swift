// Batches of new memories, and binary COPY of the very rows that they make.

internal import AgentBase
internal import Foundation
internal import Postgres

extension MemoryBench {
  /// The memories of a batch.
  static let batchSize = 500

  private static let items = (1...batchSize).map { MemoryItem("batch \($0)", BenchPreferences.example) }
  private static let rowsOfABatch =
    "agent_id = '\(agentName)' AND namespace = '' AND key > 'batch ' AND key < 'batch:' AND source_id IS NULL"

  /// Stores batches of new keys; the rows go again after each, while no clock runs.
  func storeBatches() async throws -> BenchMeasurement {
    try await batches { _ in try await agent.storeMemories(Self.items) }
  }

  /// Copies the rows of such a batch, all columns of them, as the server itself has written them.
  func copyBatches() async throws -> BenchMeasurement {
    try await agent.storeMemories(Self.items)
    return try await server.withConnection(to: database) { connection in
      var stream: [UInt8] = []
      unsafe try await connection.copyOut(
        "COPY (SELECT * FROM agent_memories WHERE \(unsafeSQL: Self.rowsOfABatch)) TO STDOUT (FORMAT binary)"
      ) { (piece: UnsafeRawBufferPointer) in unsafe stream.append(contentsOf: piece) }
      let rows = stream
      try await Self.forget(on: connection)
      return try await batches { connection in
        let count = try await connection.copyIn("COPY agent_memories FROM STDIN (FORMAT binary)") {
          try await $0.write(rows)
        }
        guard count == Self.batchSize else {
          throw Failure("a COPY of the benchmark stored \(count) rows", advice: nil)
        }
      }
    }
  }

  /// Runs a batch again and again until so much time was spent in it. A call is a row.
  private func batches(_ batch: (PostgresConnection) async throws -> Void) async throws -> BenchMeasurement {
    try await server.withConnection(to: database) { connection in
      // Connections, statements and memory are there before the clock runs.
      try await batch(connection)
      try await Self.forget(on: connection)
      var (time, count) = (Duration.zero, 0)
      while time < seconds {
        let start = ContinuousClock.now
        try await batch(connection)
        time += ContinuousClock.now - start
        count += 1
        try await Self.forget(on: connection)
        // As autovacuum would, and for both alike: else each batch finds more dead rows than the one before.
        if count.isMultiple(of: 20) { try await connection.executeScript("VACUUM agent_memories") }
      }
      return BenchMeasurement(seconds: time / .seconds(1), calls: count * Self.batchSize)
    }
  }

  private static func forget(on connection: PostgresConnection) async throws {
    try await connection.execute("DELETE FROM agent_memories WHERE \(unsafeSQL: rowsOfABatch)")
  }
}
