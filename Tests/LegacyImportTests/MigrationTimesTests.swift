// Rows of several runs carry several times.

import Testing

@testable import LegacyImport

@Suite struct MigrationTimesTests {
  @Test func oneTimeIsToldOnce() {
    var times = MigrationTimes("2024-01-15T10:30:00Z")
    #expect(times.change(at: -5) == "2024-01-15T10:30:00Z")
    #expect(times.change(at: 5) == nil)
  }

  @Test func theLinesTellTheirRowsTimes() {
    let line = { (first: Int64, last: Int64, seconds: Int64) in
      LedgerLine(
        chunk: 1, firstRow: first, lastRow: last, rowsRead: 1, rowsLoaded: 1, rowsThere: 0, rowsRejected: 0,
        digest: nil, migratedAt: seconds * 1_000_000)
    }
    var times = MigrationTimes([line(11, 20, 60), line(1, 10, 0), line(21, 30, 60)], otherwise: 120_000_000)
    #expect(times.change(at: 1) == "1970-01-01T00:00:00Z")
    #expect(times.change(at: 10) == nil)
    #expect(times.change(at: 11) == "1970-01-01T00:01:00Z")
    #expect(times.change(at: 25) == nil)
    #expect(times.change(at: 31) == "1970-01-01T00:02:00Z")
  }
}
