// Several databases of an application, by their names.

public import Foundation

/// The databases of an application, each under a name.
///
///     let databases = try await Databases(environment: ProcessInfo.processInfo.environment)
///     let products = try await databases["walmart"].query("SELECT * FROM walmart_products", as: Product.self)
public final class Databases: Sendable {
  private let all: [String: Database]

  /// Opens them all, or none.
  ///
  /// - Throws: `AgentBaseError` that names the database which cannot be opened, or a name that is given twice.
  @concurrent public init(_ configurations: [DatabaseConfiguration]) async throws {
    let names = configurations.map(\.name)
    if let twice = Dictionary(grouping: names, by: { $0 }).first(where: { $0.value.count > 1 })?.key {
      throw AgentBaseError(.invalidConfiguration, "two databases have the name \"\(twice)\"")
    }
    var opened: [String: Database] = [:]
    var failure: (any Error)?
    await withTaskGroup(of: Result<Database, any Error>.self) { group in
      for configuration in configurations {
        group.addTask {
          do { return .success(try await Database(configuration)) } catch { return .failure(error) }
        }
      }
      for await result in group {
        switch result {
        case .success(let database): opened[database.name] = database
        case .failure(let error): failure = failure ?? error
        }
      }
    }
    if let failure {
      for database in opened.values { await database.close() }
      throw failure
    }
    all = opened
  }

  /// Opens the databases that the environment names; see `DatabaseConfiguration.all(in:)`.
  @concurrent public convenience init(
    environment: [String: String] = ProcessInfo.processInfo.environment
  ) async throws {
    try await self.init(DatabaseConfiguration.all(in: environment))
  }

  /// The names, in order.
  public var names: [String] { all.keys.sorted() }

  /// The database called `main`.
  public var main: Database { get throws { try self["main"] } }

  /// The database of a name.
  ///
  /// - Throws: `AgentBaseError` of the code `invalidConfiguration`, which names those that there are.
  public subscript(name: String) -> Database {
    get throws {
      guard let database = all[name] else {
        throw AgentBaseError(
          .invalidConfiguration, "there is no database \"\(name)\" among: \(names.joined(separator: ", "))",
          advice: "Set \(DatabaseConfiguration.variable(for: name)), or add it to the configurations.")
      }
      return database
    }
  }

  /// How each of them is; all are asked at once.
  @concurrent public func healthCheck(limit: Duration = .seconds(5)) async -> [String: DatabaseHealth] {
    await withTaskGroup(of: (String, DatabaseHealth).self) { group in
      for database in all.values {
        group.addTask { (database.name, await database.healthCheck(limit: limit)) }
      }
      return await group.reduce(into: [:]) { $0[$1.0] = $1.1 }
    }
  }

  /// What each of them has done so far.
  public var metrics: [String: DatabaseMetrics] { all.mapValues(\.metrics) }

  /// Closes them all.
  @concurrent public func close() async {
    await withTaskGroup(of: Void.self) { group in
      for database in all.values { group.addTask { await database.close() } }
    }
  }
}
