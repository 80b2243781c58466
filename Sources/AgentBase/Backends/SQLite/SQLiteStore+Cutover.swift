// Where the cut-over of an agent stands, as its SQLite file says.

extension SQLiteStore {
  func cutoverStatus() async throws -> CutoverStatus? {
    let agent = agent
    return try await file.read(in: transaction) { connection, catalog in
      guard catalog.ownVersion >= CutoverTable.step,
        let record = try CutoverTable.record(of: agent, connection)
      else { return nil }
      let since = try Outbox(connection: connection, agent: agent).waitingSince()
      return CutoverStatus(agent: agent, record, waitingSince: since)
    }
  }
}

extension CutoverStatus {
  init(agent: String, _ record: CutoverRecord, waitingSince: Timestamp?) {
    self.init(
      agent: agent, phase: record.phase, epoch: record.epoch, readPercent: record.readPercent,
      differing: record.differing, lag: record.lag, waitingSince: waitingSince?.date,
      carriedAt: record.carriedAt?.date)
  }
}
