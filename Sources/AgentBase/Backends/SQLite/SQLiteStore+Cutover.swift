// Where the cut-over of an agent stands, as its SQLite file says.

import SQLite

extension SQLiteStore {
  func cutoverStatus() async throws -> CutoverStatus? {
    let agent = agent
    return try await file.read(in: transaction) { connection, catalog in
      guard catalog.ownVersion >= CutoverTable.step,
        let record = try CutoverTable.record(of: agent, connection)
      else { return nil }
      return try CutoverStatus(agent: agent, record, connection, catalog)
    }
  }
}

extension CutoverStatus {
  /// Takes what waits in Postgres, which alone knows it where it decides.
  mutating func set(_ lag: OutboxLag?) {
    self.lag = lag?.count ?? 0
    waitingSince = lag?.waitingSince?.date
    carriedAt = lag?.carriedAt?.date
    setAside += lag?.setAside ?? 0
  }

  init(
    agent: String, _ record: CutoverRecord, _ connection: SQLiteConnection, _ catalog: SQLiteCatalog
  ) throws {
    self.init(
      agent: agent, phase: record.phase, epoch: record.epoch, readPercent: record.readPercent,
      differing: record.differing, lag: record.lag,
      waitingSince: try Outbox(connection: connection, agent: agent).waitingSince()?.date,
      carriedAt: record.carriedAt?.date)
    if catalog.ownVersion >= SetAside.step { setAside = try SetAside.count(of: agent, connection) }
  }
}
