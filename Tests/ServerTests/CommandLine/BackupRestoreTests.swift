// agentbase backup and restore.

import AgentBase
import Foundation
import SQLite
import TestSupport
import Testing

@Suite struct BackupRestoreTests {
  @Test func comesBackWithTheSameBytes() async throws {
    let agents = try LegacyFolder()
    let backup = agents.home + "/backup"
    let made = try await Command.run(
      ["backup", "--agents-path", agents.path, "--to", backup], in: agents.home)
    #expect(made.exitCode == 0 && made.errors.isEmpty)
    #expect(made.output.contains("2 files"))
    let restored = try await Command.run(
      ["restore", "--from", backup, "--agents-path", agents.home + "/again", "--json"], in: agents.home)
    #expect(restored.exitCode == 0 && restored.errors.isEmpty)
    guard case .array(let files)? = try restored.json()["files"] else {
      Issue.record("no files in \(restored.output)")
      return
    }
    #expect(files.count == 2)
    for name in ["operational/crawler/memory.db", "research/analyst/data.sqlite"] {
      let copy = try Data(contentsOf: URL(filePath: backup + "/" + name))
      #expect(try Data(contentsOf: URL(filePath: "\(agents.home)/again/\(name)")) == copy)
    }
    let rows = try SQLiteConnection(path: agents.home + "/again/operational/crawler/memory.db").query(
      "SELECT content FROM memory ORDER BY id")
    #expect(rows.map { $0[0] } == [.text("User query about pricing"), .text("two")])
  }

  @Test func holdsWhatOnlyTheLogHas() async throws {
    let agents = try LegacyFolder()
    let writer = try SQLiteConnection(path: agents.path + "/operational/crawler/memory.db")
    _ = try writer.query("PRAGMA journal_mode = WAL")
    try writer.executeScript("INSERT INTO memory VALUES (3, 'in the log', NULL)")
    let before = try agents.contents()
    let made = try await Command.run(
      ["backup", "--agents-path", agents.path, "--to", "backup", "--quiet"], in: agents.home)
    #expect(made.exitCode == 0 && made.output.isEmpty)
    let after = try agents.contents()
    #expect(before.filter { !$0.key.hasSuffix("-shm") } == after.filter { !$0.key.hasSuffix("-shm") })
    let copy = try SQLiteConnection(path: agents.home + "/backup/operational/crawler/memory.db")
    #expect(try copy.query("SELECT content FROM memory WHERE id = 3").first?[0] == .text("in the log"))
  }

  @Test func aDamagedFileIsNamedAndTheOthersAreDone() async throws {
    let agents = try LegacyFolder()
    try agents.writeDamaged("broken/agent/memory.db")
    try agents.write(
      "secret/agent/memory.db", bytes: (0..<4096).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ 13) })
    let made = try await Command.run(
      ["backup", "--agents-path", agents.path, "--to", "backup"], in: agents.home)
    #expect(made.exitCode == 1)
    #expect(made.errors.contains("broken/agent/memory.db") && made.errors.contains("secret/agent/memory.db"))
    #expect(made.errorLines.count <= 2)
    #expect(FileManager.default.fileExists(atPath: agents.home + "/backup/operational/crawler/memory.db"))
    #expect(!FileManager.default.fileExists(atPath: agents.home + "/backup/broken/agent/memory.db"))
  }

  @Test func aBackupThatWasChangedIsNotRestored() async throws {
    let agents = try LegacyFolder()
    _ = try await Command.run(["backup", "--agents-path", agents.path, "--to", "backup"], in: agents.home)
    let file = agents.home + "/backup/operational/crawler/memory.db"
    var bytes = try Data(contentsOf: URL(filePath: file))
    bytes[bytes.count - 10] ^= 1
    try bytes.write(to: URL(filePath: file))
    let restored = try await Command.run(["restore", "--from", "backup", "--to", "again"], in: agents.home)
    #expect(restored.exitCode == 1)
    #expect(restored.errors.contains("operational/crawler/memory.db") && restored.errors.contains("SHA-256"))
    #expect(!FileManager.default.fileExists(atPath: agents.home + "/again/operational/crawler/memory.db"))
    #expect(FileManager.default.fileExists(atPath: agents.home + "/again/research/analyst/data.sqlite"))
  }

  /// A marker among live files would hide them from every later import.
  @Test(arguments: [
    ["agents"], ["agents", "--force"], ["agents/operational"], ["agents/operational", "--force"],
  ])
  func aBackupGoesNowhereAmongLiveFiles(to: [String]) async throws {
    let agents = try LegacyFolder()
    let before = try agents.contents()
    let made = try await Command.run(["backup", "--agents-path", "agents", "--to"] + to, in: agents.home)
    #expect(made.exitCode == 1 && (1...2).contains(made.errorLines.count))
    #expect(made.errors.contains("\(to[0]) holds other files"))
    #expect(try agents.contents() == before)
  }

  @Test func nothingIsOverwrittenUnasked() async throws {
    let agents = try LegacyFolder()
    _ = try await Command.run(["backup", "--agents-path", agents.path, "--to", "backup"], in: agents.home)
    let again = try await Command.run(
      ["backup", "--agents-path", agents.path, "--to", "backup"], in: agents.home)
    #expect(again.exitCode == 1 && again.errors.contains("--force"))
    // One of the two has been lost, the other has changed since.
    try FileManager.default.removeItem(atPath: agents.path + "/research/analyst/data.sqlite")
    let changed = try SQLiteConnection(path: agents.path + "/operational/crawler/memory.db")
    _ = try changed.query("PRAGMA journal_mode = WAL")
    try changed.executeScript("DELETE FROM memory")
    let refused = try await Command.run(
      ["restore", "--from", "backup", "--agents-path", "agents"], in: agents.home)
    #expect(refused.exitCode == 1 && refused.errors.contains("--force"))
    #expect(!FileManager.default.fileExists(atPath: agents.path + "/research/analyst/data.sqlite"))
    let forced = try await Command.run(
      ["restore", "--from", "backup", "--agents-path", "agents", "--force"], in: agents.home)
    #expect(forced.exitCode == 0 && forced.errors.isEmpty)
    // The old file's log did not come along.
    let restored = try SQLiteConnection(path: agents.path + "/operational/crawler/memory.db")
    #expect(try restored.query("SELECT count(*) FROM memory").first?[0] == .integer(2))
    #expect(try restored.integrityCheck().isEmpty)
    let left = try FileManager.default.contentsOfDirectory(atPath: agents.path + "/operational/crawler")
    #expect(!left.contains { $0.contains("replaced") || $0.hasSuffix(".new") })
  }

  @Test func aFolderThatIsNoBackupIsRefused() async throws {
    let agents = try LegacyFolder()
    let run = try await Command.run(
      ["restore", "--from", agents.path, "--to", "again", "--json"], in: agents.home)
    #expect(run.exitCode == 1 && run.errors.contains("is no backup"))
    #expect(try run.json()["error"]?["exit_code"]?.int64Value == 1)
    #expect(!FileManager.default.fileExists(atPath: agents.home + "/again"))
  }

  @Test(arguments: ["../outside.db", "/etc/outside.db", "a//b.db", "a/../../b.db"])
  func aManifestCannotLeaveItsFolder(path: String) async throws {
    let agents = try LegacyFolder()
    let entry: JSON = ["path": .string(path), "bytes": 0, "sha256": ""]
    let manifest: JSON = [
      "format": "agentbase sqlite backup 1", "date": "2024-01-15T10:30:00Z", "files": [entry],
    ]
    let marker = try agents.folder.file("backup/.agentbase-backup")
    try Data(manifest.text.utf8).write(to: URL(filePath: marker))
    let run = try await Command.run(["restore", "--from", "backup", "--to", "again"], in: agents.home)
    #expect(run.exitCode == 1 && run.errors.contains("is damaged"))
  }
}
