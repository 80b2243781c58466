// The statements of the agents themselves in Postgres.

import Postgres

/// The SQL of the agents themselves.
enum AgentSQL {
  /// Makes the agent's row, or brings it up to date; what is not given stays as it is.
  static func register(_ config: AgentConfig) -> PostgresStatement {
    """
    INSERT INTO agents AS known (id, name, version, description, category, organization_id)
    VALUES (\(config.id), \(config.name), \(config.version.postgresValue), \(config.description.postgresValue), \(config.category.postgresValue),
      \(config.organizationID.postgresValue))
    ON CONFLICT (id) DO UPDATE SET
      name = excluded.name, version = coalesce(excluded.version, known.version),
      description = coalesce(excluded.description, known.description),
      category = coalesce(excluded.category, known.category),
      organization_id = coalesce(excluded.organization_id, known.organization_id), updated_at = statement_timestamp()
    WHERE (known.name, known.version, known.description, known.category, known.organization_id)
      IS DISTINCT FROM
      (excluded.name, coalesce(excluded.version, known.version),
       coalesce(excluded.description, known.description), coalesce(excluded.category, known.category),
       coalesce(excluded.organization_id, known.organization_id))
    """
  }
}
