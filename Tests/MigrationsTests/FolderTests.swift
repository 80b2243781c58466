// Folders of steps, and what is wrong with them.

import Foundation
import Migrations
import TestSupport
import Testing

@Suite("Migrations: folders") struct FolderTests {
  private func folder(_ files: [String: String]) throws -> TemporaryFolder {
    let folder = try TemporaryFolder("migrations")
    for (name, text) in files { try Data(text.utf8).write(to: URL(filePath: try folder.file(name))) }
    return folder
  }

  @Test("All parts of a step are read, and other files are passed by")
  func parts() throws {
    let folder = try folder([
      "0001_routers.up.sql": "CREATE TABLE r (a)", "0001_routers.down.sql": "DROP TABLE r",
      "0001_routers.check-before.sql": "SELECT 1", "0001_routers.check-after.sql": "SELECT 2",
      "0002_more_of_it.up.sql": "SELECT 3", "README.md": "…",
    ])
    let steps = try MigrationFolder(path: folder.path).migrations
    #expect(
      steps == [
        Migration(
          version: 1, name: "routers", up: "CREATE TABLE r (a)", down: "DROP TABLE r",
          checkBefore: "SELECT 1",
          checkAfter: "SELECT 2"),
        Migration(version: 2, name: "more_of_it", up: "SELECT 3", down: nil),
      ])
    let copy = try TemporaryFolder("copy")
    try MigrationFolder.write(steps, to: copy.path)
    #expect(try MigrationFolder(path: copy.path).migrations == steps)
    #expect(throws: MigrationError.self) { try MigrationFolder.write(steps, to: copy.path) }
  }

  @Test(
    "A fault is named with its file",
    arguments: [
      (["0001_a.up.sql", "0003_c.up.sql"], MigrationError.Code.gap, "step 2"),
      (["0002_a.up.sql"], .gap, "step 1"), (["0001_a.down.sql"], .gap, ".up.sql"),
      (["0001_a.up.sql", "0001_b.up.sql"], .duplicate, "0001_b.up.sql"),
      (["00001_a.up.sql", "0001_a.up.sql"], .duplicate, "number 1"),
      (["1_a.up.sql"], .invalidName, "1_a.up.sql"), (["0001_a.sql"], .invalidName, "0001_a.sql"),
      (["0000_a.up.sql"], .invalidName, "0000_a"), (["0001_.up.sql"], .invalidName, "0001_.up.sql"),
      (["notes.sql"], .invalidName, "notes.sql"),
    ])
  func faults(_ names: [String], _ code: MigrationError.Code, _ named: String) throws {
    let folder = try folder(Dictionary(uniqueKeysWithValues: names.map { ($0, "SELECT 1") }))
    let error = #expect(throws: MigrationError.self) { try MigrationFolder(path: folder.path) }
    #expect(error?.code == code)
    #expect(error?.description.contains(named) == true, "\(error?.description ?? "")")
  }

  @Test("A folder that is not there, and text that is none")
  func unreadable() throws {
    #expect(throws: MigrationError.self) { try MigrationFolder(path: "/nonexistent/migrations") }
    for bytes in [[0xFF, 0xFE], [0xEF, 0xBB, 0xBF, 0x20], [0x41, 0]] as [[UInt8]] {
      let folder = try TemporaryFolder("migrations")
      try Data(bytes).write(to: URL(filePath: try folder.file("0001_a.up.sql")))
      let error = #expect(throws: MigrationError.self) { try MigrationFolder(path: folder.path) }
      #expect(error?.code == .unreadable && error?.message.contains("0001_a.up.sql") == true)
    }
  }
}
