// What an application's database is made from.

/// The configuration of a `Database`.
public struct DatabaseConfiguration: Sendable {
  /// What the database is called in events and errors.
  public var name: String
  /// Where it is.
  public var backend: MemoryBackend
  /// The connections to Postgres; of SQLite, only `waitLimit` counts, for the locks of others.
  public var connections = ConnectionSettings()
  /// How long a statement may take before it counts as slow and makes an event of the kind `slowQuery`; nil for any time.
  public var slowQueryLimit: Duration? = .seconds(1)
  /// Who takes the events; nil for nobody.
  public var eventHandler: (any AgentEventHandler)? = DeprecationLog()

  /// A configuration.
  public init(name: String = "main", _ backend: MemoryBackend) {
    self.name = name
    self.backend = backend
  }
}
