// Files are found by what they are, each once, and belong to the agent that their path names.

import Foundation
import LegacyImport
import SQLite
import TestSupport
import Testing

@Suite struct DiscoveryTests {
  private func database(_ path: String) throws {
    try FileManager.default.createDirectory(
      at: URL(filePath: path).deletingLastPathComponent(), withIntermediateDirectories: true)
    try SQLiteConnection(path: path).executeScript("CREATE TABLE memory (id INTEGER PRIMARY KEY)")
  }

  @Test(
    arguments: [
      ("operational/crawler/memory.db", "operational_crawler"), ("crawler/memory.db", "crawler"),
      ("a/b/c/x", "a_b_c"), ("crawler.db", "crawler"), ("crawler", "crawler"), (".hidden", ".hidden"),
      ("my.agent.db", "my.agent"),
    ]
  )
  func theAgentFollowsFromThePath(path: String, agent: String) {
    #expect(LegacyFile(path: "/x/" + path, relativePath: path).agent == agent)
  }

  @Test func filesAreFoundByWhatTheyAreAndOnce() throws {
    let folder = try TemporaryFolder("discovery")
    try database(folder.path + "/a/memory.db")
    try database(folder.path + "/a/noending")
    try "text".write(toFile: folder.path + "/a/notes.txt", atomically: true, encoding: .utf8)
    try "text that is long enough to be a header".write(
      toFile: folder.path + "/a/broken.db", atomically: true, encoding: .utf8)
    try Data().write(to: URL(filePath: folder.path + "/a/empty.db"))
    try FileManager.default.createSymbolicLink(
      atPath: folder.path + "/again.db", withDestinationPath: folder.path + "/a/memory.db")
    try FileManager.default.linkItem(atPath: folder.path + "/a/noending", toPath: folder.path + "/a/second")
    try FileManager.default.createSymbolicLink(
      atPath: folder.path + "/loop", withDestinationPath: folder.path)
    let discovery = try Discovery(root: folder.path)
    #expect(discovery.files.map(\.relativePath) == ["a/memory.db", "a/noending"])
    #expect(discovery.unreadable.map(\.path) == ["a/broken.db"])
  }

  @Test func backupsArePassedByUnlessTheyAreMeant() throws {
    let folder = try TemporaryFolder("discovery")
    try database(folder.path + "/a/memory.db")
    try database(folder.path + "/backups/old/a/memory.db")
    try Data().write(to: URL(filePath: folder.path + "/backups/old/" + Discovery.backupMarker))
    let discovery = try Discovery(root: folder.path)
    #expect(discovery.files.map(\.relativePath) == ["a/memory.db"])
    #expect(discovery.passedBy == ["backups/old"])
    #expect(try Discovery(root: folder.path + "/backups/old").files.map(\.relativePath) == ["a/memory.db"])
  }

  @Test func aSingleFileHasTheIdentityThatItsFolderGivesIt() throws {
    let folder = try TemporaryFolder("discovery")
    let path = folder.path + "/agents/operational/crawler/memory.db"
    try database(path)
    let single = try Discovery(file: path).files
    #expect(single.map(\.relativePath) == ["operational/crawler/memory.db"])
    #expect(single == (try Discovery(root: folder.path + "/agents").files))
    let elsewhere = folder.path + "/crawler.db"
    try database(elsewhere)
    #expect(try Discovery(file: elsewhere).files.map(\.agent) == ["crawler"])
  }

  @Test func foldersThatMakeOneAgentAreNamed() throws {
    let folder = try TemporaryFolder("discovery")
    try database(folder.path + "/a/b_c/memory.db")
    try database(folder.path + "/a_b/c/memory.db")
    #expect(try Discovery(root: folder.path).collisions == ["a_b_c": ["a/b_c", "a_b/c"]])
    #expect(try Discovery(root: folder.path, agent: "x").collisions.isEmpty)
  }

  @Test func whatIsNoFolderIsRefused() throws {
    let folder = try TemporaryFolder("discovery")
    #expect(throws: ImportError.self) { try Discovery(root: folder.path + "/missing") }
    try database(folder.path + "/x.db")
    #expect(throws: ImportError.self) { try Discovery(root: folder.path + "/x.db") }
    #expect(throws: ImportError.self) { try Discovery(file: folder.path) }
  }
}
