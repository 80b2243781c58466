// The answer to one statement, decoded when it is read.

import CPostgres
import Glibc

/// The rows that a statement answered with, and how many it changed.
public struct PostgresRows: Sendable {
  /// A column of the answer.
  public struct Column: Sendable, Hashable {
    /// Its name.
    public let name: String
    /// Its type.
    public let type: PostgresType
  }

  let result: ResultHandle
  let sql: String?

  /// The columns, in order.
  public var columns: [Column] {
    (0..<result.columnCount).map { Column(name: result.name(of: $0), type: result.type(of: $0)) }
  }

  /// How many rows the statement inserted, updated, deleted, selected or copied.
  public var affectedRows: Int { result.affectedRows }

  /// About how many bytes the answer takes in memory (`PQresultMemorySize`).
  public var memorySize: Int { result.memorySize }

  /// What the statement was, as the server names it: `SELECT 5`, `INSERT 0 1`, `CREATE TABLE`.
  public var commandTag: String { result.commandTag }

  /// The index of the first column of that name, written as in the answer.
  public func index(of column: String) -> Int? { result.index(of: column) }
}

extension PostgresRows: RandomAccessCollection {
  /// 0.
  public var startIndex: Int { 0 }
  /// How many rows there are.
  public var endIndex: Int { result.rowCount }

  /// A row; traps if there is none of that number.
  public subscript(index: Int) -> PostgresRow {
    precondition(indices.contains(index), "row \(index) of \(endIndex)")
    return PostgresRow(rows: self, index: index)
  }
}

/// Owner of one libpq result.
///
/// Sendable since a result is never changed after it was received: libpq documents it as safe to read from any thread.
@safe final class ResultHandle: @unchecked Sendable {
  private let pointer: OpaquePointer

  @unsafe init(_ pointer: OpaquePointer) { unsafe self.pointer = unsafe pointer }

  deinit { unsafe PQclear(pointer) }

  var status: ExecStatusType { unsafe PQresultStatus(pointer) }
  var rowCount: Int { unsafe Int(PQntuples(pointer)) }
  var columnCount: Int { unsafe Int(PQnfields(pointer)) }
  var affectedRows: Int { unsafe Int(String(cString: PQcmdTuples(pointer))) ?? 0 }
  var memorySize: Int { unsafe PQresultMemorySize(pointer) }
  var commandTag: String { unsafe String(cString: PQcmdStatus(pointer)) }
  var serverFields: PostgresServerFields? { unsafe PostgresServerFields(pointer) }
  var errorText: String { unsafe String(cString: PQresultErrorMessage(pointer)) }

  func name(of column: Int) -> String {
    unsafe PQfname(pointer, Int32(column)).map { unsafe String(cString: $0) } ?? ""
  }
  func type(of column: Int) -> PostgresType { unsafe PostgresType(rawValue: PQftype(pointer, Int32(column))) }

  /// By comparison of bytes: `PQfnumber` would fold the case of what is not quoted.
  func index(of name: String) -> Int? {
    unsafe name.withCString { name in
      (0..<columnCount).first { column in
        unsafe PQfname(pointer, Int32(column)).map { unsafe strcmp($0, name) == 0 } ?? false
      }
    }
  }

  func isNull(_ row: Int, _ column: Int) -> Bool {
    unsafe PQgetisnull(pointer, Int32(row), Int32(column)) != 0
  }

  /// Lends the field that is not NULL.
  @unsafe func field(_ row: Int, _ column: Int) -> ReceivedField {
    unsafe ReceivedField(
      type: type(of: column), isText: PQfformat(pointer, Int32(column)) == 0,
      bytes: UnsafeRawBufferPointer(
        start: PQgetvalue(pointer, Int32(row), Int32(column)),
        count: Int(PQgetlength(pointer, Int32(row), Int32(column)))))
  }
}
