// A Postgres database with agents in it, which the agents of a process share.

import Migrations
import Postgres

/// A database, its tables made, and the pool of its connections.
final class PostgresAgentDatabase: Sendable {
  /// The databases that are open in this process.
  static let shared = SharedResources<PostgresAgentDatabase>()

  let pool: PostgresPool
  /// What is known of the vectors in it.
  let vectors = PostgresVectors()
  /// Removes expired memories, where an agent asks for it.
  let sweeper = Sweeper()
  /// The reads and stores of all agents that are under way at once; nil where each runs by itself.
  let gatherers: (reads: CallGatherer<GatheredReads>, stores: CallGatherer<GatheredStores>)?

  /// A share of the database of a URL, which the first one opens.
  static func lease(url: String, config: AgentConfig) async throws -> SharedLease<PostgresAgentDatabase> {
    // Behind a pooler that knows no prepared statements, no agent may take part in connections that use them.
    let key = config.connections.preparesStatements ? url : "\(url)\n"
    return try await shared.lease(key) {
      try await PostgresAgentDatabase(url: url, config: config)
    } close: {
      await $0.close()
    }
  }

  /// Connects, and makes the tables where there are none.
  init(url: String, config: AgentConfig) async throws {
    do {
      var target = try PostgresConfiguration(url)
      target.preparesStatements = config.connections.preparesStatements
      // One connection of its own: a server that is not there is told at once, where the pool would wait for it.
      let connection = try await PostgresConnection.connect(target)
      do {
        let (installed, behind) = try await PostgresSchemaInstaller.library.open(on: connection)
        if behind > 0 {
          config.eventHandler?.handle(
            AgentEvent(
              .schema,
              "the version of the tables is \(behind) behind, and the user may not bring them up to date: have their owner run agentbase schema up",
              agent: config.id))
        }
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
      pool = PostgresPool(
        target, configuration: PostgresPoolConfiguration(config.connections),
        observer: DriverEvents(config.eventHandler, slowQueryLimit: config.slowQueryLimit)?.postgres)
      gatherers =
        config.gathersCalls
        ? (
          CallGatherer(GatheredReads(pool: pool), limits: Self.limits(over: pool.configuration.maximumSize)),
          CallGatherer(GatheredStores(pool: pool), limits: Self.limits(over: pool.configuration.maximumSize))
        ) : nil
    } catch {
      throw AgentBaseError.of(error)
    }
  }

  /// Ends the sweeps, and closes the connections.
  func close() async {
    await sweeper.stop()
    await pool.close()
  }

  /// A few large batches are faster than many small ones: a statement costs as much as ten rows, and a commit more. Some
  /// connections stay free for calls of other kinds.
  private static func limits(over connections: Int) -> GatheringLimits {
    GatheringLimits(batches: max(1, min(3, connections - 1)), calls: 128)
  }
}
