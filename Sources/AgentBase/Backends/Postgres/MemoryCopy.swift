// New memories as rows of a COPY into `agent_memories`.

import Postgres

/// New memories of an agent as rows of a binary COPY, with what the statements of single stores have the server fill in.
struct MemoryCopy {
  let agent: String
  /// The server's time, in microseconds since 1970.
  let now: Int64
  private let owner: String

  init(agent: String, now: Int64) {
    (self.agent, self.now, owner) = (agent, now, TextSearchVector.owner(agent))
  }

  /// Whether a batch is large enough for two round trips, and the server need not look at its vectors.
  static func takes(_ drafts: [MemoryDraft]) -> Bool {
    drafts.count >= 100 && drafts.allSatisfy { $0.embedding == nil }
  }

  /// How much is sent at once: the server stores it while the next rows are made.
  static let pieceSize = 16 * 1024

  static let clock: PostgresStatement =
    "SELECT floor(date_part('epoch', statement_timestamp()) * 1000000)::bigint"

  static let statement: PostgresStatement = """
    COPY agent_memories (id, agent_id, namespace, key, content, metadata, created_at, updated_at, expires_at, time_to_live,
      version, history_limit, words, written_by) FROM STDIN (FORMAT binary)
    """

  func append(_ draft: MemoryDraft, to buffer: inout PostgresCopyEncoder) {
    buffer.beginRow(fields: 14)
    buffer.append(uuid: .timeOrdered())
    buffer.append(text: agent)
    buffer.append(text: draft.namespace)
    buffer.append(text: draft.key)
    buffer.append(jsonb: draft.valueText)
    buffer.append(jsonb: draft.metadataText)
    buffer.append(timestamptz: now)
    buffer.append(timestamptz: now)
    if let life = draft.timeToLive, life != 0 {
      buffer.append(timestamptz: now + life)
      buffer.append(int8: life)
    } else {
      buffer.appendNull()
      buffer.appendNull()
    }
    buffer.append(int8: now)
    if let limit = draft.historyLimit, limit != 0 { buffer.append(int4: limit) } else { buffer.appendNull() }
    buffer.appendField { $0 += TextSearchVector.bytes(draft.words, owner: owner) }
    buffer.append(text: "agent")
  }
}
