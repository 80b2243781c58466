// Reads what tables a schema of Postgres has, with all that a copied row must know of them.

import Postgres

/// The tables of one schema.
struct Catalogue: Sendable {
  let tables: [TargetTable]

  /// Reads the catalogue.
  ///
  /// - Throws: `PostgresError` where the server fails.
  init(reading connection: PostgresConnection, schema: String) async throws {
    var tables: [UInt32: TargetTable] = [:]
    let relations = try await connection.query(
      """
      SELECT c.oid::int8, c.relname::text, c.relkind::text FROM pg_class AS c
      WHERE c.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = \(schema))
        AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
      """)
    for row in relations {
      let oid = try row.oid(0)
      guard let kind = TargetTable.Kind(rawValue: try row.decode(2)) else { continue }
      tables[oid] = TargetTable(oid: oid, schema: schema, name: try row.decode(1), kind: kind)
    }
    for row in try await connection.query(Self.columns(schema)) {
      try tables[row.oid(0)]?.columns.append(TargetColumn(row))
    }
    for row in try await connection.query(Self.keys(schema)) {
      try tables[row.oid(0)]?.keys.append(
        TargetKey(name: row.decode(1), columns: row.numbers(2), isPrimary: row.decode(3)))
    }
    for row in try await connection.query(Self.foreignKeys(schema)) {
      try tables[row.oid(0)]?.foreignKeys.append(
        TargetForeignKey(
          name: row.decode(1), columns: row.numbers(2), parent: row.oid(3), parentName: row.decode(4),
          parentColumns: row.decode(5)))
    }
    self.tables = tables.values.sorted { $0.name < $1.name }
  }

  /// The table of that name: spelled so, else the only one that is spelled so but for the case of its letters.
  func table(_ name: String) -> TargetTable? { tables.named(name, \.name) }

  // MARK: - Queries

  /// The columns of a schema's relations. `base` is what stands below a column's domains, `part` its array's element.
  private static func columns(_ schema: String) -> PostgresStatement {
    """
    SELECT c.oid::int8, a.attname::text, a.attnum::int4, format_type(a.atttypid, a.atttypmod),
      a.attnotnull OR base.not_null, a.attgenerated <> '',
      a.atthasdef OR a.attidentity <> '' OR base.has_default,
      coalesce(pg_get_serial_sequence(format('%I.%I', n.nspname, c.relname), a.attname)::regclass::oid::int8, (
        SELECT d.refobjid::int8 FROM pg_attrdef AS def
        JOIN pg_depend AS d ON d.classid = 'pg_attrdef'::regclass AND d.objid = def.oid
        JOIN pg_class AS s ON s.oid = d.refobjid AND s.relkind = 'S'
        WHERE def.adrelid = c.oid AND def.adnum = a.attnum LIMIT 1)),
      t.typname::text, t.typtype::text, base.modifier::int4,
      ARRAY(SELECT enumlabel::text FROM pg_enum WHERE enumtypid = t.oid ORDER BY enumsortorder),
      CASE WHEN t.typcategory = 'A' AND t.typlen = -1 THEN t.typelem::int8 ELSE 0 END,
      part.typname::text, part.typtype::text,
      ARRAY(SELECT enumlabel::text FROM pg_enum WHERE enumtypid = part.oid ORDER BY enumsortorder)
    FROM pg_class AS c
    JOIN pg_namespace AS n ON n.oid = c.relnamespace
    JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    CROSS JOIN LATERAL (
      WITH RECURSIVE chain (type, modifier, depth, not_null, has_default) AS (
        SELECT a.atttypid, a.atttypmod, 0, false, false
        UNION ALL
        SELECT d.typbasetype, d.typtypmod, depth + 1, not_null OR d.typnotnull,
          has_default OR d.typdefault IS NOT NULL
        FROM chain JOIN pg_type AS d ON d.oid = chain.type AND d.typtype = 'd')
      SELECT * FROM chain ORDER BY depth DESC LIMIT 1) AS base
    JOIN pg_type AS t ON t.oid = base.type
    LEFT JOIN pg_type AS part ON part.oid = t.typelem AND t.typcategory = 'A' AND t.typlen = -1
    WHERE n.nspname = \(schema) AND c.relkind IN ('r', 'p', 'v', 'm', 'f') ORDER BY c.oid, a.attnum
    """
  }

  private static func keys(_ schema: String) -> PostgresStatement {
    """
    SELECT i.indrelid::int8, x.relname::text, (i.indkey::int2[])[0:i.indnkeyatts - 1]::int4[], i.indisprimary
    FROM pg_index AS i JOIN pg_class AS x ON x.oid = i.indexrelid JOIN pg_class AS c ON c.oid = i.indrelid
    WHERE i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL
      AND c.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = \(schema))
    ORDER BY i.indrelid, i.indisprimary DESC, x.relname
    """
  }

  private static func foreignKeys(_ schema: String) -> PostgresStatement {
    """
    SELECT f.conrelid::int8, f.conname::text, f.conkey::int4[], f.confrelid::int8,
      format('%I.%I', n.nspname, p.relname),
      ARRAY(SELECT attname::text FROM unnest(f.confkey) WITH ORDINALITY AS k (number, place)
        JOIN pg_attribute ON attrelid = f.confrelid AND attnum = k.number ORDER BY k.place)
    FROM pg_constraint AS f JOIN pg_class AS c ON c.oid = f.conrelid
    JOIN pg_class AS p ON p.oid = f.confrelid JOIN pg_namespace AS n ON n.oid = p.relnamespace
    WHERE f.contype = 'f' AND f.conparentid = 0
      AND c.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = \(schema))
    ORDER BY f.conrelid, f.conname
    """
  }
}

extension PostgresRow {
  /// An object identifier that was asked for as int8.
  func oid(_ column: Int) throws(PostgresError) -> UInt32 {
    UInt32(truncatingIfNeeded: try decode(column, as: Int64.self))
  }

  /// Numbers of columns that were asked for as int4[].
  fileprivate func numbers(_ column: Int) throws(PostgresError) -> [Int] {
    try decode(column, as: [Int32].self).map(Int.init)
  }
}

extension TargetColumn {
  /// Types without an equality, or with one that takes different texts for the same.
  private static let comparedAsText: Set = [
    "json", "xml", "citext", "point", "lseg", "box", "path", "polygon", "circle", "line",
  ]

  /// A column as the query above tells it.
  fileprivate init(_ row: PostgresRow) throws(PostgresError) {
    let modifier = try row.decode(10, as: Int.self)
    let element = try row.oid(12)
    let name = try row.decode(8, as: String.self)
    if element != 0 {
      let part = TargetType(
        name: try row.decode(13), kind: try row.decode(14), modifier: modifier, labels: try row.decode(15))
      type = part.isSentAsText ? .other : .array(part, element: element)
    } else {
      type = TargetType(name: name, kind: try row.decode(9), modifier: modifier, labels: try row.decode(11))
    }
    self.name = try row.decode(1)
    number = try row.decode(2)
    typeName = try row.decode(3)
    isNotNull = try row.decode(4)
    isGenerated = try row.decode(5)
    hasDefault = try row.decode(6)
    sequence = try row.decode(7, as: Int64?.self).map { UInt32(truncatingIfNeeded: $0) }
    let elementName = try row.decode(13, as: String?.self)
    isComparedAsText =
      Self.comparedAsText.contains(name) || elementName.map(Self.comparedAsText.contains) == true
  }
}

extension Array {
  /// The element of a name: spelled so, else the only one that is spelled so but for the case of its ASCII letters.
  func named(_ name: String, _ path: KeyPath<Element, String>) -> Element? {
    if let exact = first(where: { $0[keyPath: path].utf8.elementsEqual(name.utf8) }) { return exact }
    let folded = name.asciiLowercased
    let alike = filter { $0[keyPath: path].asciiLowercased == folded }
    return alike.count == 1 ? alike[0] : nil
  }
}
