// The object identifiers of the server's own types (pg_type.dat; they never change).

/// The object identifier of a type.
public struct PostgresType: RawRepresentable, Hashable, Sendable {
  /// The identifier, as in `pg_type.oid`.
  public let rawValue: UInt32
  /// A type by its identifier.
  public init(rawValue: UInt32) { self.rawValue = rawValue }
  private init(_ rawValue: UInt32) { self.rawValue = rawValue }

  /// Left to the server to find from the place of the parameter.
  public static let inferred = PostgresType(0)
  /// `boolean`
  public static let bool = PostgresType(16)
  /// `bytea`
  public static let bytea = PostgresType(17)
  /// `name`
  public static let name = PostgresType(19)
  /// `bigint`
  public static let int8 = PostgresType(20)
  /// `smallint`
  public static let int2 = PostgresType(21)
  /// `integer`
  public static let int4 = PostgresType(23)
  /// `text`
  public static let text = PostgresType(25)
  /// `oid`
  public static let oid = PostgresType(26)
  /// `json`
  public static let json = PostgresType(114)
  /// `xml`
  public static let xml = PostgresType(142)
  /// `real`
  public static let float4 = PostgresType(700)
  /// `double precision`
  public static let float8 = PostgresType(701)
  /// What a literal is before it has a type.
  public static let unknown = PostgresType(705)
  /// `character(n)`
  public static let bpchar = PostgresType(1042)
  /// `character varying(n)`
  public static let varchar = PostgresType(1043)
  /// `date`
  public static let date = PostgresType(1082)
  /// `timestamp without time zone`
  public static let timestamp = PostgresType(1114)
  /// `timestamp with time zone`
  public static let timestamptz = PostgresType(1184)
  /// `numeric`
  public static let numeric = PostgresType(1700)
  /// `uuid`
  public static let uuid = PostgresType(2950)
  /// `jsonb`
  public static let jsonb = PostgresType(3802)
  /// `text[]`
  public static let textArray = PostgresType(1009)
  /// `character varying[]`
  public static let varcharArray = PostgresType(1015)
  /// `name[]`
  public static let nameArray = PostgresType(1003)
  /// `smallint[]`
  public static let int2Array = PostgresType(1005)
  /// `integer[]`
  public static let int4Array = PostgresType(1007)
  /// `bigint[]`
  public static let int8Array = PostgresType(1016)
  /// `real[]`
  public static let float4Array = PostgresType(1021)
  /// `double precision[]`
  public static let float8Array = PostgresType(1022)
  /// `uuid[]`
  public static let uuidArray = PostgresType(2951)

  /// Whether the type came with an extension, an enum or a table, so that its number says nothing.
  var isUserDefined: Bool { rawValue >= 16384 }
}

extension PostgresType: CustomStringConvertible {
  /// The name in SQL where it is one that the driver reads, else `type 12345`.
  public var description: String { Self.names[self] ?? "type \(rawValue)" }

  private static let names: [PostgresType: String] = [
    .bool: "boolean", .bytea: "bytea", .name: "name", .int8: "bigint", .int2: "smallint", .int4: "integer",
    .text: "text", .oid: "oid", .json: "json", .xml: "xml", .float4: "real", .float8: "double precision",
    .bpchar: "character", .varchar: "character varying", .date: "date", .timestamp: "timestamp",
    .timestamptz: "timestamptz", .numeric: "numeric", .uuid: "uuid", .jsonb: "jsonb", .textArray: "text[]",
    .int4Array: "integer[]", .int8Array: "bigint[]", .float4Array: "real[]",
    .float8Array: "double precision[]",
    .uuidArray: "uuid[]",
  ]
}
