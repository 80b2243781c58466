// A Postgres database with agents in it, which the agents of a process share.

import Postgres
import Schema

/// A database, its tables made, and the pool of its connections.
final class PostgresAgentDatabase: Sendable {
  /// The databases that are open in this process.
  static let shared = SharedResources<PostgresAgentDatabase>()

  let pool: PostgresPool
  /// Removes expired memories, where an agent asks for it.
  let sweeper = Sweeper()

  /// Connects, and makes the tables where there are none.
  init(url: String, config: AgentConfig) async throws {
    do {
      let target = try PostgresConfiguration(url)
      // One connection of its own: a server that is not there is told at once, where the pool would wait for it.
      let connection = try await PostgresConnection.connect(target)
      do {
        let installed = try await PostgresSchemaInstaller.library.install(on: connection)
        for step in installed {
          config.eventHandler?.handle(
            AgentEvent(.schema, "created the tables of step \(step.version) (\(step.name))", agent: config.id)
          )
        }
      } catch {
        await connection.close()
        throw error
      }
      await connection.close()
      var limits = PostgresPoolConfiguration(maximumSize: max(1, config.maximumConnections))
      limits.waitLimit = config.waitLimit
      pool = PostgresPool(
        target, configuration: limits,
        observer: DriverEvents(config.eventHandler, slowQueryLimit: config.slowQueryLimit)?.postgres)
    } catch {
      throw AgentBaseError.of(error)
    }
  }

  /// Ends the sweeps, and closes the connections.
  func close() async {
    await sweeper.stop()
    await pool.close()
  }
}
