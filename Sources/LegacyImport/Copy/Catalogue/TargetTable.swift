// A table of Postgres that rows are copied into, as the catalogue describes it.

import Postgres

/// A column of a target table.
struct TargetColumn: Sendable, Hashable {
  let name: String
  /// `pg_attribute.attnum`.
  let number: Int
  let type: TargetType
  /// The type as SQL spells it, domains by their own names.
  let typeName: String
  /// Whether the type tells equal values from each other only by their text: it has no equality, or one that takes different
  /// texts for the same.
  let isComparedAsText: Bool
  let isNotNull: Bool
  let isGenerated: Bool
  /// Whether a row that leaves the column out gets a value: a default, an identity, a domain's default.
  let hasDefault: Bool
  /// The sequence that makes its values: `serial`, an identity, or a default of `nextval`.
  let sequence: UInt32?
}

/// A key of a target table: of its primary key or a unique constraint or index, whole and without conditions.
struct TargetKey: Sendable, Hashable {
  let name: String
  let columns: [Int]
  let isPrimary: Bool
}

/// A foreign key of a target table.
struct TargetForeignKey: Sendable, Hashable {
  let name: String
  /// The columns here, by their numbers.
  let columns: [Int]
  let parent: UInt32
  /// The parent as SQL text, and its columns.
  let parentName: String
  let parentColumns: [String]
}

/// A table of Postgres.
struct TargetTable: Sendable, Hashable {
  /// What the relation is (`pg_class.relkind`).
  enum Kind: String, Sendable {
    case table = "r"
    case partitioned = "p"
    case view = "v"
    case materializedView = "m"
    case foreign = "f"

    /// Whether COPY can write to it.
    var takesRows: Bool { self == .table || self == .partitioned }

    /// The kind in words.
    var words: String {
      switch self {
      case .table, .partitioned: "table"
      case .view: "view"
      case .materializedView: "materialized view"
      case .foreign: "foreign table"
      }
    }
  }

  let oid: UInt32
  let schema: String
  let name: String
  let kind: Kind
  var columns: [TargetColumn] = []
  var keys: [TargetKey] = []
  var foreignKeys: [TargetForeignKey] = []

  /// The table as SQL text.
  var sql: String { PostgresIdentifier.quoted(schema) + "." + PostgresIdentifier.quoted(name) }

  /// The table as users read it.
  var displayName: String { schema == "public" ? name : schema + "." + name }

  func column(_ number: Int) -> TargetColumn? { columns.first { $0.number == number } }

  /// The key by which rows are told from each other: the primary key, else the first unique one of columns that are never NULL.
  ///
  /// - Parameter numbers: the columns that the source has.
  func identifyingKey(among numbers: Set<Int>) -> TargetKey? {
    let whole = keys.filter { key in
      key.columns.allSatisfy { numbers.contains($0) && column($0)?.isNotNull == true }
    }
    return whole.first(where: \.isPrimary) ?? whole.first
  }
}
