// The statements that make memories in Postgres what they are in the SQLite file. Applied twice, they do nothing more.

import Foundation
import Postgres

/// The SQL of what follows a SQLite file.
enum FollowerSQL {
  /// Stores the state of memories, whose names differ. The triggers make no history of it: that is carried too.
  static func memories(_ memories: [Memory], agent: String) -> PostgresStatement {
    let texts = memories.map(\.value.storedText)
    var embeddings = FlatVectors()
    for memory in memories { embeddings.append(memory.embedding) }
    let words = zip(memories, texts).map { (agent, MemoryWords(key: $0.key, valueText: $1)) }
    return PostgresStatement(
      sql: memoriesSQL,
      values: [
        .text(agent), .uuidArray(memories.map { _ in PostgresUUID.timeOrdered() }),
        .textArray(memories.map(\.namespace)), .textArray(memories.map(\.key)),
        .jsonbArray(texts.map(Optional.some)), .jsonbArray(memories.map { $0.metadata.storedText }),
        .timestamptzArray(memories.map { $0.createdAt.flatMap(Timestamp.init) }),
        .timestamptzArray(memories.map { $0.updatedAt.flatMap(Timestamp.init) }),
        .timestamptzArray(memories.map { $0.expiresAt.flatMap(Timestamp.init) }),
        .int8Array(memories.map { $0.timeToLive?.wholeMicroseconds }),
        // A digest is made again from the value.
        .int8Array(memories.map { $0.version < 0 ? nil : $0.version }), TextSearchVector.array(of: words),
      ] + embeddings.values)
  }

  private static let memoriesSQL = """
    INSERT INTO agent_memories AS memory
      (id, agent_id, namespace, key, content, metadata, embedding, created_at, updated_at, expires_at, time_to_live,
       version, words, written_by)
    SELECT new.id, $1::text, new.namespace, new.key, new.content, new.metadata,
      ($15::real[])[nullif(new.first, 0):new.last], new.created_at, new.updated_at, new.expires_at, new.time_to_live,
      new.version, new.words, 'agent'
    FROM unnest($2::uuid[], $3::text[], $4::text[], $5::jsonb[], $6::jsonb[], $7::timestamptz[], $8::timestamptz[],
      $9::timestamptz[], $10::bigint[], $11::bigint[], $12::tsvector[], $13::integer[], $14::integer[])
      AS new (id, namespace, key, content, metadata, created_at, updated_at, expires_at, time_to_live, version, words,
        first, last)
    ON CONFLICT (agent_id, namespace, key) WHERE source_id IS NULL DO UPDATE SET
      content = excluded.content, metadata = excluded.metadata, embedding = excluded.embedding,
      created_at = excluded.created_at, updated_at = excluded.updated_at, expires_at = excluded.expires_at,
      time_to_live = excluded.time_to_live, version = excluded.version, history_limit = NULL, words = excluded.words,
      written_by = excluded.written_by
    """

  // MARK: - History

  /// Removes the earlier values of memories that the file no longer keeps.
  static func forget(
    _ names: [MemoryName], butKeep history: [(name: MemoryName, version: MemoryVersion)], agent: String
  ) -> PostgresStatement {
    PostgresStatement(
      sql: forgetSQL,
      values: [
        .text(agent), .textArray(names.map(\.namespace)), .textArray(names.map(\.key)),
        .textArray(history.map(\.name.namespace)), .textArray(history.map(\.name.key)),
        .int8Array(history.map(\.version.version)),
      ])
  }

  /// Imported ones are remembered, so that a verification knows that they are not lost. An agent without a history is asked for it
  /// once, and not for each memory.
  private static let forgetSQL = """
    WITH gone AS (
      DELETE FROM agent_memory_history AS held
      USING unnest($2::text[], $3::text[]) AS changed (namespace, key)
      WHERE EXISTS (SELECT FROM agent_memory_history WHERE agent_id = $1)
        AND held.agent_id = $1 AND held.namespace = changed.namespace AND held.key = changed.key
        AND NOT EXISTS (
          SELECT FROM unnest($4::text[], $5::text[], $6::bigint[]) AS kept (namespace, key, version)
          WHERE kept.namespace = held.namespace AND kept.key = held.key AND kept.version = held.version)
      RETURNING held.agent_id, held.id, held.source_id, held.version
    )
    INSERT INTO agent_import_deletions (agent_id, id, source_id)
    SELECT agent_id, id, source_id FROM gone WHERE source_id IS NOT NULL AND version IS NOT NULL
    ON CONFLICT (agent_id, id) DO UPDATE SET deleted_at = excluded.deleted_at
    """

  /// Adds the earlier values of memories that are not there yet.
  static func keep(
    _ history: [(name: MemoryName, version: MemoryVersion)], agent: String
  ) -> PostgresStatement {
    var embeddings = FlatVectors()
    for entry in history { embeddings.append(entry.version.embedding) }
    return PostgresStatement(
      sql: keepSQL,
      values: [
        .text(agent), .uuidArray(history.map { _ in PostgresUUID.timeOrdered() }),
        .textArray(history.map(\.name.namespace)), .textArray(history.map(\.name.key)),
        .int8Array(history.map(\.version.version)),
        .jsonbArray(history.map { Optional($0.version.value.storedText) }),
        .jsonbArray(history.map { Optional($0.version.metadata.storedText) }),
        .timestamptzArray(history.map { $0.version.storedAt.flatMap(Timestamp.init) }),
        .timestamptzArray(history.map { $0.version.replacedAt.flatMap(Timestamp.init) }),
      ] + embeddings.values)
  }

  private static let keepSQL = """
    INSERT INTO agent_memory_history
      (id, agent_id, namespace, key, version, content, metadata, stored_at, replaced_at, embedding)
    SELECT new.id, $1::text, new.namespace, new.key, new.version, new.content, new.metadata, new.stored_at,
      coalesce(new.replaced_at, now()), ($12::real[])[nullif(new.first, 0):new.last]
    FROM unnest($2::uuid[], $3::text[], $4::text[], $5::bigint[], $6::jsonb[], $7::jsonb[], $8::timestamptz[],
      $9::timestamptz[], $10::integer[], $11::integer[])
      AS new (id, namespace, key, version, content, metadata, stored_at, replaced_at, first, last)
    WHERE NOT EXISTS (
      SELECT FROM agent_memory_history AS held WHERE held.agent_id = $1 AND held.namespace = new.namespace
        AND held.key = new.key AND held.version = new.version)
    """

  // MARK: - Tombstones

  /// Notes what was deleted, so that no import brings it back.
  static func bury(
    _ kind: OutboxChange.Kind, _ names: [(namespace: String, name: String)], agent: String
  ) -> PostgresStatement {
    """
    INSERT INTO agent_cutover_deletions (agent_id, kind, namespace, name)
    SELECT \(agent), \(kind.rawValue), namespace, name
    FROM unnest(\(names.map(\.namespace)), \(names.map(\.name))) AS gone (namespace, name)
    ON CONFLICT (agent_id, kind, namespace, name) DO UPDATE SET deleted_at = excluded.deleted_at
    """
  }

  /// Forgets that something was deleted: it is there again.
  static func unbury(
    _ kind: OutboxChange.Kind, _ names: [(namespace: String, name: String)], agent: String
  ) -> PostgresStatement {
    """
    DELETE FROM agent_cutover_deletions AS held
    USING unnest(\(names.map(\.namespace)), \(names.map(\.name))) AS stored (namespace, name)
    WHERE EXISTS (SELECT FROM agent_cutover_deletions WHERE agent_id = \(agent) AND kind = \(kind.rawValue))
      AND held.agent_id = \(agent) AND held.kind = \(kind.rawValue) AND held.namespace = stored.namespace
      AND held.name = stored.name
    """
  }

  static func moment(_ date: Date?) -> PostgresValue {
    date.flatMap(Timestamp.init).map { .timestamptz($0.microseconds) } ?? .null
  }
}

/// Vectors of any lengths as one array of numbers, each from a place to a place: an array of arrays has one length for all.
struct FlatVectors {
  private var numbers: [Float] = []
  private var first: [Int32] = []
  private var last: [Int32] = []

  /// Adds a vector, or that there is none.
  mutating func append(_ vector: [Float]?) {
    first.append(vector == nil ? 0 : Int32(numbers.count + 1))
    numbers += vector ?? []
    last.append(Int32(numbers.count))
  }

  /// Where each begins and ends, from 1, and the numbers.
  var values: [PostgresValue] { [.int4Array(first), .int4Array(last), .float4Array(numbers)] }
}

extension JSONObject {
  /// The JSON text of the object, in jsonb's spelling.
  var storedText: String { isEmpty ? "{}" : JSON.object(self).jsonbText }
}
