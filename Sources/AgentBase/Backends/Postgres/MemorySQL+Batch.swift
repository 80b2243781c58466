// The statements of batches of memories: one for any number of keys, of one agent or of several.
//
// What they are given stands in arrays, one a column. The names of a batch are in order and none is there twice, so that two
// batches never wait for each other.

import Postgres

extension MemorySQL {
  /// A memory's name with its agent's.
  struct Name: Hashable, Comparable, Sendable {
    var agent: String
    var name: MemoryName

    static func == (left: Name, right: Name) -> Bool {
      left.agent.isExactly(right.agent) && left.name == right.name
    }

    static func < (left: Name, right: Name) -> Bool {
      left.agent.isExactly(right.agent)
        ? left.name < right.name : left.agent.utf8.lexicographicallyPrecedes(right.agent.utf8)
    }

    func hash(into hasher: inout Hasher) {
      ExactText(agent).hash(into: &hasher)
      name.hash(into: &hasher)
    }
  }

  // MARK: - Storing

  /// Stores memories, whose names are in order and differ.
  ///
  /// - Parameters:
  ///   - words: the words of each, see `TextSearchVector`.
  ///   - answersVersions: whether it answers the version of each, in the order of the drafts.
  ///   - isPatient: whether it waits for a row that another transaction holds. Where many callers would wait with it, it does not
  ///     wait for long: it fails with 55P03.
  static func store(
    _ drafts: [(agent: String, draft: MemoryDraft)], words: PostgresValue, answersVersions: Bool = false,
    isPatient: Bool = true
  ) -> PostgresStatement {
    var values: [PostgresValue] = [
      .uuidArray(drafts.map { _ in PostgresUUID.timeOrdered() }),
      .textArray(drafts.map(\.agent)),
      .textArray(drafts.map(\.draft.namespace)),
      .textArray(drafts.map(\.draft.key)),
      .jsonbArray(drafts.map(\.draft.valueText)),
      .jsonbArray(drafts.map(\.draft.metadataText)),
      .int8Array(drafts.map { $0.draft.timeToLive ?? 0 }),
      .int4Array(drafts.map { $0.draft.historyLimit ?? 0 }),
      words,
    ]
    let hasEmbeddings = drafts.contains { $0.draft.embedding != nil }
    if hasEmbeddings {
      // An array of arrays has one length for all: so they stand in one row of numbers, each from a place to a place.
      var numbers: [Float] = []
      var first: [Int32] = []
      var last: [Int32] = []
      for draft in drafts.lazy.map(\.draft) {
        first.append(draft.embedding == nil ? 0 : Int32(numbers.count + 1))
        numbers += draft.embedding ?? []
        last.append(Int32(numbers.count))
      }
      values += [.int4Array(first), .int4Array(last), .float4Array(numbers)]
    }
    let sql =
      if !isPatient {
        hasEmbeddings ? storeManyWithVectorsImpatiently : storeManyImpatiently
      } else if hasEmbeddings {
        answersVersions ? storeManyWithVectorsAnswering : storeManyWithVectors
      } else {
        answersVersions ? storeManyAnswering : storeMany
      }
    return PostgresStatement(sql: sql, values: values)
  }

  private static let storeMany = storeMany(
    columns: "", embedding: "NULL::real[]", arrays: "")
  private static let storeManyAnswering = storeMany + " RETURNING version"
  private static let storeManyWithVectors = storeMany(
    columns: ", first, last",
    embedding: "agentbase_vector(($12::real[])[nullif(new.first, 0):new.last], new.agent_id, new.namespace)",
    arrays: ", $10::integer[], $11::integer[]")
  private static let storeManyWithVectorsAnswering = storeManyWithVectors + " RETURNING version"
  private static let storeManyImpatiently = impatient(storeManyAnswering)
  private static let storeManyWithVectorsImpatiently = impatient(storeManyWithVectorsAnswering)

  /// The same with a limit to its waits, of this statement alone: it is set before the first row is stored.
  private static func impatient(_ sql: String) -> String {
    sql.replacing(
      "FROM unnest(", with: "FROM (SELECT set_config('lock_timeout', '200ms', true)) AS patience, unnest(")
  }

  private static func storeMany(columns: String, embedding: String, arrays: String) -> String {
    """
    INSERT \(target)
    SELECT new.id, new.agent_id, new.namespace, new.key, new.content, new.metadata, \(embedding), statement_timestamp(), statement_timestamp(),
      statement_timestamp() + nullif(new.time_to_live, 0) * interval '1 microsecond', nullif(new.time_to_live, 0), \(clock),
      nullif(new.history_limit, 0), new.words, 'agent'
    FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::jsonb[], $6::jsonb[], $7::bigint[], $8::integer[],
      $9::tsvector[]\(arrays))
      AS new (id, agent_id, namespace, key, content, metadata, time_to_live, history_limit, words\(columns))
    \(replacing)
    """
  }

  // MARK: - Reading

  /// The names as the rows of a table `wanted`, which counts them from 1.
  private static let wanted =
    "unnest($1::text[], $2::text[], $3::text[]) WITH ORDINALITY AS wanted (agent_id, namespace, key, place)"

  private static let isWanted =
    "agent_id = wanted.agent_id AND namespace = wanted.namespace AND key = wanted.key"

  private static func parameters(_ names: [Name]) -> [PostgresValue] {
    [
      .textArray(names.map(\.agent)), .textArray(names.map(\.name.namespace)),
      .textArray(names.map(\.name.key)),
    ]
  }

  /// The current values of keys: content, is_imported, source_exact, and the key's place from 1; keys without one are left out.
  static func values(_ names: [Name]) -> PostgresStatement {
    PostgresStatement(sql: valuesSQL, values: parameters(names))
  }

  private static let valuesSQL = """
    SELECT content, is_imported, source_exact, place FROM (\(current)) AS memory
    WHERE expires_at IS NULL OR expires_at > statement_timestamp()
    """

  /// The current rows of the names wanted. An imported row is looked for only where no stored one hides it.
  private static let current = """
    SELECT wanted.place, coalesce(stored.content, imported.content) AS content, stored.id IS NULL AS is_imported,
      imported.source_exact,
      CASE WHEN stored.id IS NULL THEN imported.expires_at ELSE stored.expires_at END AS expires_at
    FROM \(wanted)
    LEFT JOIN agent_memories AS stored ON stored.agent_id = wanted.agent_id AND stored.namespace = wanted.namespace
      AND stored.key = wanted.key AND stored.source_id IS NULL
    LEFT JOIN LATERAL (
      SELECT id, content, source_exact, expires_at FROM agent_memories
      WHERE stored.id IS NULL AND \(isWanted) AND source_id IS NOT NULL ORDER BY \(newestFirst) LIMIT 1
    ) AS imported ON true
    WHERE stored.id IS NOT NULL OR imported.id IS NOT NULL
    """

  /// The most bytes that a value may take on the server to be read with those of other callers.
  private static let gatheredBytes = 16_384

  /// As `values`, and whether the value is too large to be read with others: then it is left out, so that a batch of many callers
  /// stays small in memory.
  static func gatheredValues(_ names: [Name]) -> PostgresStatement {
    PostgresStatement(sql: gatheredValuesSQL, values: parameters(names))
  }

  private static let gatheredValuesSQL = """
    SELECT CASE WHEN is_large THEN 'null' ELSE content END, is_imported, source_exact, place, is_large
    FROM (
      SELECT *, pg_column_size(content) + coalesce(pg_column_size(source_exact), 0) > \(gatheredBytes) AS is_large
      FROM (\(current)) AS memory
    ) AS memory
    WHERE expires_at IS NULL OR expires_at > statement_timestamp()
    """

  /// The current memories of keys, each with the key's place from 1; keys without one are left out.
  static func memories(_ names: [Name]) -> PostgresStatement {
    PostgresStatement(sql: memoriesSQL, values: parameters(names))
  }

  private static let memoriesSQL = """
    SELECT \(PostgresMemoryRow.names(of: "memory")), wanted.place FROM \(wanted)
    CROSS JOIN LATERAL (\(current(columns, where: isWanted))) AS memory
    WHERE memory.expires_at IS NULL OR memory.expires_at > statement_timestamp()
    """

  // MARK: - Deleting

  /// Remembers the imported rows that go: memories in `gone`, and earlier values in `forgotten`. An imported memory that was
  /// deleted before, and is forgotten only now, was remembered then.
  static let remembered = """
    remembered AS (
      INSERT INTO agent_import_deletions (agent_id, id, source_id)
      SELECT agent_id, id, source_id FROM gone WHERE source_id IS NOT NULL
      UNION ALL SELECT agent_id, id, source_id FROM forgotten WHERE source_id IS NOT NULL AND version IS NOT NULL
      ON CONFLICT (agent_id, id) DO UPDATE SET deleted_at = excluded.deleted_at
    )
    """

  /// Removes every row of keys, and their history, or what was current into the history.
  ///
  /// Imported rows are remembered, so that a verification knows that they are not lost. Answers how many keys had a memory
  /// that had not expired, and how many rows were imported.
  static func delete(_ names: [Name], keepingHistory: Bool) -> PostgresStatement {
    PostgresStatement(sql: keepingHistory ? deleteKeeping : deleteAll, values: parameters(names))
  }

  private static let deleteAll = delete()

  private static let deleteKeeping = delete(
    keeping: """
      , kept AS (
        INSERT INTO agent_memory_history (agent_id, namespace, key, version, content, metadata, embedding, stored_at,
          replaced_at, source_id, source_row, source_exact)
        SELECT agent_id, namespace, key, version, content, metadata, embedding::real[], updated_at,
          statement_timestamp(), source_id, source_row, source_exact
        FROM gone WHERE (expires_at IS NULL OR expires_at > statement_timestamp()) AND NOT \(isOfExpired("gone"))
      )
      """, forgettingWhere: isOfExpired("history"))

  /// Whether a row is of a key whose stored row goes and has expired: its history has, too.
  private static func isOfExpired(_ row: String) -> String {
    """
    EXISTS (SELECT FROM gone AS expired WHERE expired.agent_id = \(row).agent_id AND expired.namespace = \(row).namespace
      AND expired.key = \(row).key AND expired.source_id IS NULL AND expired.expires_at <= statement_timestamp())
    """
  }

  private static func delete(keeping: String = "", forgettingWhere condition: String = "true")
    -> String
  {
    """
    WITH there AS MATERIALIZED (
      SELECT agent_id, id FROM \(wanted) JOIN agent_memories USING (agent_id, namespace, key)
      ORDER BY agent_id, namespace, key, id FOR UPDATE OF agent_memories
    ), gone AS (
      DELETE FROM agent_memories AS memory USING there
      WHERE memory.agent_id = there.agent_id AND memory.id = there.id RETURNING memory.*
    ), forgotten AS (
      DELETE FROM agent_memory_history AS history USING \(wanted)
      WHERE history.agent_id = wanted.agent_id AND history.namespace = wanted.namespace AND history.key = wanted.key
        AND \(condition)
      RETURNING history.*
    ), \(remembered)\(keeping)
    SELECT count(*) FILTER (WHERE coalesce(stored, imported)), coalesce(sum(imports), 0)::bigint FROM (
      SELECT bool_or(is_alive) FILTER (WHERE source_id IS NULL) AS stored, count(source_id) AS imports,
        (array_agg(is_alive ORDER BY updated_at DESC NULLS LAST, source_row DESC, id DESC))[1] AS imported
      FROM (SELECT *, coalesce(expires_at > statement_timestamp(), true) AS is_alive FROM gone) AS gone
      GROUP BY agent_id, namespace, key
    ) AS keys
    """
  }
}

extension PostgresValue {
  /// JSON texts as a `jsonb[]`.
  static func jsonbArray(_ texts: [String]) -> PostgresValue {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(20 + texts.reduce(0) { $0 + $1.utf8.count + 5 })
    func append(_ number: Int32) {
      for shift in [24, 16, 8, 0] as [Int32] { bytes.append(UInt8(truncatingIfNeeded: number >> shift)) }
    }
    // One dimension, no NULLs, the type of the elements; how many there are, counted from 1.
    append(texts.isEmpty ? 0 : 1)
    append(0)
    append(Int32(PostgresType.jsonb.rawValue))
    if !texts.isEmpty {
      append(Int32(texts.count))
      append(1)
    }
    for text in texts {
      append(Int32(text.utf8.count + 1))
      // The version of jsonb's wire form.
      bytes.append(1)
      bytes.append(contentsOf: text.utf8)
    }
    return .raw(type: PostgresType(rawValue: 3807), bytes: bytes)
  }
}
