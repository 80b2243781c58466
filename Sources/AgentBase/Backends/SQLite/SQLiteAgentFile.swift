// A SQLite file with agents in it: opening it, its catalog, and its errors in the library's words.

import Foundation
import SQLite
import Synchronization

/// A file that the agents of a process share.
final class SQLiteAgentFile: Sendable {
  /// The files that are open in this process.
  static let shared = SharedResources<SQLiteAgentFile>()

  let database: SQLiteDatabase
  /// Removes expired memories, where an agent asks for it.
  let sweeper = Sweeper()
  private let cached = Mutex<SQLiteCatalog?>(nil)

  /// What a file is known by: its path with all links resolved, so that one file is opened once.
  static func key(for path: String) -> String {
    let url = URL(filePath: path).standardizedFileURL
    return url.deletingLastPathComponent().resolvingSymlinksInPath().appending(path: url.lastPathComponent)
      .resolvingSymlinksInPath().path
  }

  /// A share of the file at a path, which the first one opens.
  static func lease(path: String, config: AgentConfig) async throws -> SharedLease<SQLiteAgentFile> {
    let (waitLimit, isEager) = (config.waitLimit, config.isEager)
    let observer = DriverEvents(config.eventHandler, slowQueryLimit: config.slowQueryLimit)?.sqlite
    return try await shared.lease(key(for: path)) {
      try await SQLiteAgentFile(path: path, waitLimit: waitLimit, isEager: isEager, observer: observer)
    } close: {
      await $0.close()
    }
  }

  /// Opens a file, or makes one.
  init(path: String, waitLimit: Duration, isEager: Bool = true, observer: SQLiteObserver? = nil) async throws
  {
    try Self.check(path)
    do {
      database = try await SQLiteDatabase(
        path: path, access: .create, busyTimeout: waitLimit, readers: 2, isEager: isEager, observer: observer)
    } catch {
      throw Self.agentBaseError(error)
    }
    do {
      try await read { connection, catalog in try SQLiteOwnSchema.check(connection, catalog) }
    } catch {
      await database.close()
      throw error
    }
  }

  private static func check(_ path: String) throws(AgentBaseError) {
    switch SQLiteFile.kind(path) {
    case .database, .empty: return
    case .missing:
      let folder = URL(filePath: path).deletingLastPathComponent().path
      guard SQLiteFile.kind(folder) == .directory else {
        throw AgentBaseError(
          .unavailable, "\(path): there is no folder \(folder)",
          advice: "Make the folder, or correct the path.")
      }
    case .directory:
      throw AgentBaseError(
        .unavailable, "\(path) is a folder", advice: "Name a file in it, such as \(path)/memory.db.")
    case .unreadable(let code):
      throw AgentBaseError(
        .permission, "\(path) cannot be read: \(unsafe String(cString: strerror(code)))",
        advice: "Give this user the right to read and write the file and its folder.")
    case .other:
      throw AgentBaseError(
        .unavailable, "\(path) is no SQLite database, or an encrypted one",
        advice: "Decrypt it first, or name another file.")
    }
  }

  /// Ends the sweeps, and closes the connections.
  func close() async {
    await sweeper.stop()
    await database.close()
  }

  // MARK: - Transactions

  /// Runs the body in one read transaction, or in the one given, with the tables that it sees.
  func read<Value: Sendable>(
    in transaction: SQLiteTransaction? = nil,
    _ body: @escaping @Sendable (SQLiteConnection, SQLiteCatalog) throws -> Value
  ) async throws -> Value {
    if let transaction { return try await perform(in: transaction, body) }
    do {
      return try await database.read { connection in
        let version = try connection.schemaVersion()
        connection.holdSchema(version)
        if let catalog = self.cached.withLock({ $0 }), catalog.version == version {
          return try body(connection, catalog)
        }
        let catalog = try SQLiteCatalog(reading: connection, version: version)
        // Only readers remember it: what a writer sees may be undone, and its version given to another schema.
        self.cached.withLock { $0 = catalog }
        return try body(connection, catalog)
      }
    } catch {
      throw Self.agentBaseError(error)
    }
  }

  /// Runs a body of one short statement on memories at once, on the caller's thread; see `SQLiteDatabase.readBriefly`.
  ///
  /// - Returns: nil where that cannot be done, or an older table than ours may hold the key: then `read` does it.
  func readBriefly<Value>(_ body: (SQLiteConnection) throws -> Value?) throws -> Value? {
    guard let catalog = cached.withLock({ $0 }), catalog.soleMemories != nil else { return nil }
    do {
      return try database.readBriefly { connection in
        guard connection.compiledSchema == catalog.version else { return nil }
        let value = try body(connection)
        // A statement that SQLite had to compile anew may have seen other tables than the catalog knows.
        return connection.compiledSchema == catalog.version ? value : nil
      }
    } catch {
      throw Self.agentBaseError(error)
    }
  }

  /// Runs the body in one write transaction, or in the one given, with the tables that it sees at its start.
  func write<Value: Sendable>(
    in transaction: SQLiteTransaction? = nil,
    _ body: @escaping @Sendable (SQLiteConnection, SQLiteCatalog) throws -> Value
  ) async throws -> Value {
    if let transaction { return try await perform(in: transaction, body) }
    do {
      let (value, isRemembered) = try await database.write { connection in
        let (catalog, isRemembered) = try self.catalog(connection)
        return (try body(connection, catalog), isRemembered)
      }
      if !isRemembered { try? await read { _, _ in } }
      return value
    } catch {
      throw Self.agentBaseError(error)
    }
  }

  /// Runs the body in a transaction of the caller's own, or in one that is nested in it.
  nonisolated(nonsending) func transaction<Value>(
    within outer: SQLiteTransaction?,
    _ body: nonisolated(nonsending) (SQLiteTransaction) async throws -> Value
  ) async throws -> Value {
    do {
      if let outer { return try await outer.transaction(body) }
      return try await database.transaction(body)
    } catch {
      throw Self.agentBaseError(error)
    }
  }

  private func perform<Value: Sendable>(
    in transaction: SQLiteTransaction,
    _ body: @escaping @Sendable (SQLiteConnection, SQLiteCatalog) throws -> Value
  ) async throws -> Value {
    do {
      return try await transaction.perform { try body($0, try self.catalog($0).catalog) }
    } catch {
      throw Self.agentBaseError(error)
    }
  }

  /// The tables that a writer sees, and whether readers have remembered them.
  private func catalog(_ connection: SQLiteConnection) throws -> (catalog: SQLiteCatalog, isRemembered: Bool)
  {
    // Known already in this transaction: nobody else can change the schema meanwhile.
    if let catalog = connection.schemaMemo as? SQLiteCatalog { return (catalog, true) }
    let version = try connection.schemaVersion()
    if let catalog = cached.withLock({ $0 }), catalog.version == version {
      connection.schemaMemo = catalog
      return (catalog, true)
    }
    let catalog = try SQLiteCatalog(reading: connection, version: version)
    connection.schemaMemo = catalog
    return (catalog, false)
  }

  // MARK: - Errors

  /// The driver's error in the library's words; others, and a cancellation, as they are.
  private static func agentBaseError(_ error: any Error) -> any Error {
    guard let error = error as? SQLiteError else { return error }
    let code: AgentBaseError.Code =
      switch error.code {
      case .cannotOpen, .notADatabase, .busy: .unavailable
      case .readOnly, .notAuthorized: .permission
      case .tooBig: .invalidValue
      case .constraint where error.message.contains("other dimensions than its space"): .wrongDimensions
      case .misuse: .closed
      default: .database
      }
    // Without the SQL text: the call says what was tried.
    let short = SQLiteError(code: error.code, message: error.message, path: error.path)
    return AgentBaseError(
      code, short.description,
      advice: code == .wrongDimensions
        ? "Use the embedder that made the others, or change them all with changeEmbedding(to:)." : nil,
      underlying: error, isSafeToRetry: error.isSafeToRetry)
  }
}
