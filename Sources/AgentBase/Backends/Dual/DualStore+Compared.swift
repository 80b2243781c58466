// Reads of single keys from Postgres, while the SQLite file still decides: each is compared with the file.

/// Which keys are read from Postgres: the same ones in every process, and more of them as the percentage grows.
enum ReadShare {
  /// A number from 0 to 99 that a key always has: it is read from Postgres where the percentage is greater.
  static func number(agent: String, _ name: MemoryName) -> Int {
    var hash = StableHash()
    for text in [agent, name.namespace, name.key] {
      hash.combine(text)
      // What stands in no text.
      hash.combine(0xFF)
    }
    return Int((hash.value ^ (hash.value >> 32)) % 100)
  }
}

extension DualStore {
  /// What the file has of a key, and whether it waits to be carried, as of one moment.
  private struct Mine {
    var memory: Memory?
    var isWaiting = false
  }

  /// The current memory of a key from Postgres, if the file has the same; else the file's, which decides.
  ///
  /// A key whose last change is not in Postgres yet is read from the file: so an agent reads what it has written. Where Postgres
  /// cannot be read, the file answers.
  func compared(_ name: MemoryName) async throws -> Memory? {
    // Whether it waits only matters where the sides differ.
    var mine = try await mine(name, looksAtOutbox: false)
    for attempt in 0..<4 {
      guard !mine.isWaiting else { return mine.memory }
      let theirs: Memory?
      do {
        theirs = try await postgres().memory(name)
      } catch let error as AgentBaseError {
        pauseComparedReads()
        config.eventHandler?.handle(
          AgentEvent(
            .replication,
            "memories are read from the SQLite file, as Postgres cannot be read: \(error.message)",
            level: .warning, agent: config.id))
        return mine.memory
      }
      let digest = CutoverSides.digest(mine.memory)
      if digest == CutoverSides.digest(theirs) { return theirs }
      // Of what expires about now, the two clocks may think differently.
      if (mine.memory == nil) != (theirs == nil), (mine.memory ?? theirs)?.expiresAt != nil {
        return mine.memory
      }
      let again = try await self.mine(name, looksAtOutbox: true)
      // What changes while both are read is read again; and what may have waited when the file was read first.
      guard attempt == 0 || again.isWaiting || CutoverSides.digest(again.memory) != digest else {
        try await note(name, mine: mine.memory, theirs: theirs)
        return mine.memory
      }
      mine = again
    }
    return mine.memory
  }

  private func mine(_ name: MemoryName, looksAtOutbox: Bool) async throws -> Mine {
    let agent = config.id
    let time = sqlite.time
    return try await sqlite.file.read { connection, catalog in
      let memory = try SQLiteMemories(connection: connection, catalog: catalog, agent: agent, time: time)
        .memory(name)
      guard looksAtOutbox else { return Mine(memory: memory) }
      return Mine(
        memory: memory,
        isWaiting: try Outbox(connection: connection, agent: agent).mayHold(.memory(name)))
    }
  }

  private func note(_ name: MemoryName, mine: Memory?, theirs: Memory?) async throws {
    let (agent, limit) = (config.id, max(1, config.differenceLimit))
    let difference = CutoverDifference(
      kind: OutboxChange.Kind.memory.rawValue, namespace: name.namespace, key: name.key,
      sqlite: CutoverSides.digest(mine), postgres: CutoverSides.digest(theirs))
    let isOver = try await sqlite.file.write { connection, _ in
      try CutoverTable.note(difference, of: agent, limit: limit, connection)
    }
    config.eventHandler?.handle(
      AgentEvent(
        .difference, "a memory differs between SQLite and Postgres; the SQLite file has answered",
        level: .warning, agent: agent))
    guard isOver else { return }
    config.eventHandler?.handle(
      AgentEvent(
        .difference,
        "\(limit) reads differed between SQLite and Postgres: all keys are read from the SQLite file again",
        level: .error, agent: agent, count: limit))
  }
}
