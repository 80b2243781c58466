// A private server starts, stops, recovers, and says what is wrong.

import Foundation
import Glibc
import PrivateServer
import TestSupport
import Testing

@Suite struct PrivateServerTests {
  @Test("Both servers are here", arguments: TestServer.Version.allCases)
  func servers(version: TestServer.Version) async throws {
    withKnownIssue("\(version.missing)") {
      #expect(version.binaries != nil)
    } when: {
      !TestServer.isTested(version)
    }
  }

  @Test(arguments: TestServer.versions)
  func answersOverItsSocket(version: TestServer.Version) async throws {
    let shared = try await TestServer.shared(version)
    let name = String(try #require(try await shared.freshDatabase().firstMatch(of: /\/(test_\w+)\?/)).1)
    let setup = try await shared.server.psql(
      """
      SELECT current_database(), current_setting('server_encoding'), current_setting('TimeZone'),
        current_setting('listen_addresses') = '', current_setting('fsync'), lower('ÄÉЖ'),
        'a' < 'B' COLLATE "default"
      """, database: name)
    #expect(setup == "\(name)|UTF8|UTC|t|off|äéж|f")
    let vector = try await shared.server.psql(
      "SELECT count(*) FROM pg_available_extensions WHERE name = 'vector'")
    #expect(vector == (shared.server.binaries.hasVector ? "1" : "0"))
  }

  @Test func oneSharedServerForAll() async throws {
    let processes = try await withThrowingTaskGroup(of: Int32?.self) { group in
      for _ in 0..<8 {
        group.addTask { try await TestServer.shared().server.processIdentifier }
      }
      return try await group.reduce(into: Set<Int32?>()) { $0.insert($1) }
    }
    #expect(processes.count == 1)
    #expect(!processes.contains(nil))
  }

  @Test(arguments: TestServer.versions)
  func keepsItsDataThroughStopsAndKills(version: TestServer.Version) async throws {
    let server = try await TestServer.dedicated(version).server
    try await server.psql("CREATE TABLE kept (n int)")
    for mode in [PrivateServer.StopMode.smart, .fast, .immediate] {
      try await server.psql("INSERT INTO kept VALUES (1)")
      try await server.stop(mode)
      #expect(!server.isRunning)
      try await server.stop(mode)
      try await server.start()
      try await server.start()
      #expect(server.isRunning)
    }
    let process = try #require(server.processIdentifier)
    kill(process, SIGKILL)
    while server.isRunning { try await Task.sleep(for: .milliseconds(20)) }
    try await server.restart()
    #expect(try await server.psql("SELECT count(*) FROM kept") == "3")
    try await server.remove()
    #expect(!FileManager.default.fileExists(atPath: server.directory))
  }

  @Test func aPathTooLongForASocketGetsAShortOne() async throws {
    let folder = try TemporaryFolder()
    try chmodForAll(folder.path)
    let deep = "\(folder.path)/\(String(repeating: "deep", count: 20))/a 'quoted' & spaced folder"
    try FileManager.default.createDirectory(atPath: deep, withIntermediateDirectories: true)
    let server = PrivateServer(
      in: deep, binaries: try #require(TestServer.Version.v15.binaries), settings: .forTests,
      watchdog: try TestProcess.watchdog)
    try await server.start()
    let socket = server.socketDirectory
    #expect(!socket.hasPrefix(folder.path))
    #expect(try await server.psql("SELECT 1") == "1")
    // Another program that only knows the folder speaks to the same server.
    let again = PrivateServer(in: deep, binaries: server.binaries)
    #expect(again.url(database: "postgres") == server.url(database: "postgres"))
    #expect(again.processIdentifier == server.processIdentifier)
    try await again.remove()
    #expect(!server.isRunning)
    #expect(!FileManager.default.fileExists(atPath: socket))
  }

  @Test func asksForThePasswordOfARoleThatHasOne() async throws {
    let shared = try await TestServer.shared()
    try await shared.createRole("careful", password: "it's \"hers\"")
    let error = await #expect(throws: PrivateServerError.self) {
      // psql is not told the password: it must be refused.
      try await shared.server.psql("SELECT 1", database: "postgres", user: "careful")
    }
    #expect("\(try #require(error))".contains("password"))
  }

  // MARK: What is wrong

  @Test func refusesAFolderThatHoldsSomethingElse() async throws {
    let folder = try TemporaryFolder()
    try "mine".write(toFile: folder.file("notes.txt"), atomically: true, encoding: .utf8)
    let server = PrivateServer(
      in: folder.path, binaries: try #require(TestServer.Version.v15.binaries))
    await #expect(throws: PrivateServerError.occupied(directory: folder.path)) {
      try await server.start()
    }
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["notes.txt"])
  }

  @Test(.enabled(if: geteuid() == 0, "only root runs the server as another user"))
  func namesTheFolderThatTheServersUserCannotEnter() async throws {
    let folder = try TemporaryFolder("closed")
    #expect(chmod(folder.path, 0o700) == 0)
    let server = PrivateServer(
      in: try folder.file("below/server"), binaries: try #require(TestServer.Version.v15.binaries))
    await #expect(
      throws: PrivateServerError.unreachable(
        path: server.directory, blockedAt: folder.path, account: "postgres")
    ) { try await server.start() }
  }

  @Test(.needs(.v18)) func refusesTheDataOfAnotherVersion() async throws {
    let old = try await TestServer.dedicated(.v15).server
    try await old.stop()
    let binaries = try #require(TestServer.Version.v18.binaries)
    let new = PrivateServer(in: old.directory, binaries: binaries)
    let expected = PrivateServerError.wrongVersion(
      directory: old.directory, data: old.binaries.version, binaries: binaries.version)
    await #expect(throws: expected) { try await new.start() }
    try await old.remove()
  }

  @Test func saysWhyItDidNotStart() async throws {
    let server = PrivateServer(
      in: try TemporaryFolder().path, binaries: try #require(TestServer.Version.v15.binaries),
      settings: .init(isDurable: false, parameters: ["no_such_parameter": "1"]),
      watchdog: try TestProcess.watchdog)
    let error = await #expect(throws: PrivateServerError.self) { try await server.start() }
    #expect("\(try #require(error))".contains("no_such_parameter"))
    try await server.remove()
  }

  @Test func saysWhatToInstall() throws {
    let error = #expect(throws: PrivateServerError.self) { try PostgresBinaries(directory: "/usr/bin") }
    #expect(error == .notBinaries(directory: "/usr/bin"))
    #expect("\(PrivateServerError.noBinaries(searched: ["PATH"]))".contains("apt-get install postgresql"))
  }

  private func chmodForAll(_ path: String) throws {
    try #require(chmod(path, 0o755) == 0)
  }
}
