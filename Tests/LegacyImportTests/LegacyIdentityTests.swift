// The identities of legacy rows.

import AgentBase
import Postgres
import SQLite
import Testing

@testable import LegacyImport

@Suite struct LegacyIdentityTests {
  static let identity = LegacyIdentity(
    agent: "operational_crawler", file: "operational/crawler/memory.db", table: "memory")

  @Test func isTheSameOnEveryMachine() {
    // Computed with another tool: the first 60 bits of SHA-256 over the three texts, each after its length in eight bytes.
    #expect(Self.identity.uuid(key: 1).description == "941c3d46-6735-8174-8000-000000000001")
  }

  @Test func isAVersion8UUID() {
    for key in [0, 1, -1, 1 << 60, 1 << 61, .max, .min] as [Int64] {
      let bytes = Self.identity.uuid(key: key).bytes
      #expect(bytes.count == 16)
      #expect(bytes[6] >> 4 == 8)
      #expect(bytes[8] >> 6 == 2)
    }
  }

  @Test func holdsAnIntegerKeyAsItIs() {
    for key in [0, 1, 70_000, (1 << 61) - 1] as [Int64] { #expect(Self.identity.uuid(key: key).row == key) }
  }

  @Test func growsWithTheKey() {
    let ids = (1...1000).map { Self.identity.uuid(key: $0).bytes }
    #expect(zip(ids, ids.dropFirst()).allSatisfy { $0.lexicographicallyPrecedes($1) })
  }

  @Test func tellsStorageClassesApart() {
    let keys: [SQLiteValue] = [
      .integer(1), .text("1"), .real(1), .blob([0x31]), .malformedText([0xFF]), .blob([0xFF]), .null,
    ]
    let ids = Set(keys.map { LegacyKey(values: [$0], rowID: 7).uuid(in: Self.identity) })
    #expect(ids.count == keys.count)
  }

  @Test func tellsKeysOfSeveralColumnsApart() {
    let ids = Set(
      [["ab", "c"], ["a", "bc"], ["abc", ""], ["", "abc"]].map { parts in
        LegacyKey(values: parts.map(SQLiteValue.text), rowID: nil).uuid(in: Self.identity)
      })
    #expect(ids.count == 4)
  }

  @Test func rowsWithANULLKeyAreToldByTheirRowID() {
    let ids = Set((1...3).map { LegacyKey(values: [.null], rowID: $0).uuid(in: Self.identity) })
    #expect(ids.count == 3)
  }

  @Test func differsByAgentFileAndTable() {
    let ids = Set([
      LegacyIdentity(agent: "a", file: "b", table: "c"), LegacyIdentity(agent: "ab", file: "", table: "c"),
      LegacyIdentity(agent: "a", file: "bc", table: ""), LegacyIdentity(agent: "a", file: "b", table: "C"),
    ])
    #expect(ids.count == 4)
  }
}
