// One row and its typed fields.

/// A row of an answer.
public struct PostgresRow: Sendable {
  let rows: PostgresRows
  let index: Int

  /// How many fields there are.
  public var count: Int { rows.result.columnCount }

  /// The field of a column, by its number from 0.
  ///
  /// - Throws: `decoding`, naming column, type and row, if there is no such column, the value is NULL and `Value` is
  ///   not an optional, or the value does not read as `Value`.
  @inlinable
  public func decode<Value: PostgresDecodable>(
    _ column: Int, as type: Value.Type = Value.self
  ) throws(PostgresError) -> Value {
    let value = try value(column)
    guard let decoded = Value(postgresValue: value) else {
      throw failure(column, value.isNull ? "is NULL" : "does not read as \(Value.self)")
    }
    return decoded
  }

  /// The field of a column, by its name.
  ///
  /// - Throws: as `decode` by number does.
  public func decode<Value: PostgresDecodable>(
    _ column: String, as type: Value.Type = Value.self
  ) throws(PostgresError) -> Value {
    guard let index = rows.index(of: column) else {
      let names = rows.columns.map(\.name).joined(separator: ", ")
      throw PostgresError(.decoding, "there is no column \"\(column)\" among: \(names)", sql: rows.sql)
    }
    return try decode(index)
  }

  /// The field of a column as the value that it is.
  ///
  /// - Throws: `decoding` if there is no such column, or the bytes are not of its type.
  public func value(_ column: Int) throws(PostgresError) -> PostgresValue {
    guard column >= 0, column < count else {
      throw PostgresError(.decoding, "there is no column \(column) among \(count)", sql: rows.sql)
    }
    guard !rows.result.isNull(index, column) else { return .null }
    do {
      return try unsafe PostgresValue(rows.result.field(index, column))
    } catch {
      throw failure(column, Self.reason(error))
    }
  }

  /// Lends the bytes of a field as they were received; `nil` for NULL.
  public func withBytes<R>(_ column: Int, _ body: (UnsafeRawBufferPointer?) throws -> R) rethrows -> R {
    precondition(column >= 0 && column < count, "column \(column) of \(count)")
    guard !rows.result.isNull(index, column) else { return try body(nil) }
    return unsafe try body(rows.result.field(index, column).bytes)
  }

  private static func reason(_ failure: DecodingFailure) -> String {
    switch failure {
    case .null: "holds a NULL inside an array"
    case .wrongType(let expected): "is not \(expected)"
    case .outOfRange(let expected): "does not fit \(expected)"
    case .malformed: "is malformed"
    }
  }

  @usableFromInline
  func failure(_ column: Int, _ reason: String) -> PostgresError {
    let name = rows.result.name(of: column)
    return PostgresError(
      .decoding, "column \"\(name)\" (\(rows.result.type(of: column))) of row \(index) \(reason)",
      sql: rows.sql)
  }
}
