// Many memories at once: by COPY where their keys are new, else by one statement that replaces what is there.
//
// µs a row in batches of 500 new keys into a table of 100,000 rows, of the server alone (medians of 40 rounds in turn, PostgreSQL
// 18): COPY 12.7; INSERT of arrays 16.1, and 19.2 with ON CONFLICT. The client's share is hidden behind the server's where it
// sends the first rows while it makes the others.

import Postgres
import Synchronization
import Waiting

extension PostgresStore {
  func store(_ drafts: [MemoryDraft]) async throws {
    if MemoryCopy.takes(drafts), transaction == nil, copying.withLock({ $0.begins() }) {
      let areNew = try await copy(drafts)
      copying.withLock { $0.ended(wasOfUse: areNew) }
      if areNew { return }
    }
    let (agent, owner) = (agent, TextSearchVector.owner(agent))
    let words = await drafts.concurrentMap { TextSearchVector.bytes($0.words, owner: owner) }
    try await write(
      MemorySQL.store(drafts.map { (agent: agent, draft: $0) }, words: TextSearchVector.array(words)))
  }

  /// Copies memories whose keys are new.
  ///
  /// - Returns: whether they are stored. Nothing is where the server has refused them: because of a key that is there, or of
  ///   something that the other way is to tell.
  private func copy(_ drafts: [MemoryDraft]) async throws -> Bool {
    do {
      try await registered {
        try await pool.withConnection(isRetryable: true) { connection in
          let row = try await connection.queryOne(MemoryCopy.clock)
          let copy = MemoryCopy(agent: agent, now: try row?.decode(0, as: Int64.self) ?? 0)
          try await connection.copyIn(MemoryCopy.statement) { writer in
            var buffer = PostgresCopyEncoder()
            buffer.appendHeader()
            for draft in drafts {
              copy.append(draft, to: &buffer)
              if buffer.count >= MemoryCopy.pieceSize { try await writer.write(&buffer) }
            }
            buffer.appendTrailer()
            try await writer.write(&buffer)
          }
        }
      }
      return true
    } catch let error as PostgresError where error.code == .server {
      return false
    } catch {
      throw AgentBaseError.of(error)
    }
  }
}
