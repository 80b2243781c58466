// The drivers' errors in the words of an application's database.

import Foundation
import Postgres
import SQLite

/// Makes the errors of one database.
struct DatabaseErrors: Sendable {
  let name: String

  /// Runs a call, with its errors in the library's words.
  nonisolated(nonsending) func naming<Value>(
    _ body: nonisolated(nonsending) () async throws -> Value
  ) async throws -> Value {
    do {
      return try await body()
    } catch {
      throw translated(error)
    }
  }

  /// The same error in the library's words; those of the caller's own bodies, and cancellations, as they are.
  func translated(_ error: any Error) -> any Error {
    switch error {
    case let error as PostgresError: error.code == .cancelled ? CancellationError() : of(error)
    case let error as SQLiteError: of(error)
    default: error
    }
  }

  private func of(_ error: PostgresError) -> AgentBaseError {
    var named = AgentBaseError(error)
    switch error.sqlState {
    case let state? where state.conditionClass == "23": named.code = .constraint
    case let state? where error.code == .server && state.conditionClass == "42":
      // The advice for agents is about the library's own tables.
      if state != .insufficientPrivilege { named.code = .database }
      named.advice =
        state == .insufficientPrivilege ? "Ask the owner of the tables for the right." : error.server?.hint
    default: break
    }
    named.message = "database \"\(name)\": \(named.message)\(Self.place(error.sql))"
    return named
  }

  private func of(_ error: SQLiteError) -> AgentBaseError {
    let code: AgentBaseError.Code =
      switch error.code {
      case .constraint: .constraint
      case .cannotOpen, .notADatabase, .busy: .unavailable
      case .readOnly, .notAuthorized: .permission
      case .tooBig: .invalidValue
      case .misuse where error.sql == nil: .closed
      default: .database
      }
    let short = SQLiteError(code: error.code, message: error.message, path: error.path)
    return AgentBaseError(
      code, "database \"\(name)\": \(short.description)\(Self.place(error.sql))", underlying: error,
      isSafeToRetry: error.isSafeToRetry)
  }

  /// The statement, without its values.
  private static func place(_ sql: String?) -> String {
    guard let sql else { return "" }
    let line = SQLLiterals.hidden(in: sql).split(whereSeparator: \.isWhitespace).joined(separator: " ")
    return "; in: " + (line.count > 200 ? line.prefix(199) + "…" : line)
  }
}

extension AgentBaseError.Code {
  /// A row was refused by a rule of its table: a unique or foreign key, a check, NOT NULL.
  public static let constraint = AgentBaseError.Code(rawValue: "constraint")
}
