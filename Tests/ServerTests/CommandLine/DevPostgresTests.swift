// agentbase dev-postgres: a server that outlives the command.

import AgentBase
import Foundation
import PrivateServer
import TestSupport
import Testing

@Suite struct DevPostgresTests {
  @Test func startsTellsAndStops() async throws {
    let folder = try TemporaryFolder("dev-postgres")
    let server = folder.path + "/server"
    try TestProcess.watchdog.watch(server)
    let none = try await Command.run(["dev-postgres", "url", server], in: folder.path)
    #expect(none.exitCode == 1 && none.output.isEmpty && none.errors.contains("dev-postgres start"))
    let started = try await Command.run(["dev-postgres", "start", server], in: folder.path)
    #expect(started.exitCode == 0 && started.errors.isEmpty)
    let url = started.output.trimmingCharacters(in: .newlines)
    #expect(url.hasPrefix("postgresql://"))
    // Again: the same server.
    #expect(
      try await Command.run(["dev-postgres", "start", server], in: folder.path).output == started.output)
    let told = try await Command.run(["dev-postgres", "url", server, "--json"], in: folder.path)
    #expect(try told.json()["url"]?.stringValue == url)
    #expect(try await Command.run(["doctor", "--postgres-url", url], in: folder.path).exitCode == 0)
    let stopped = try await Command.run(["dev-postgres", "stop", server], in: folder.path)
    #expect(stopped.exitCode == 0 && stopped.output.contains("stopped"))
    #expect(try await Command.run(["doctor", "--postgres-url", url], in: folder.path).exitCode == 1)
    #expect(try await Command.run(["dev-postgres", "stop", server], in: folder.path).exitCode == 0)
  }

  @Test func aFolderOfSomethingElseIsLeftAlone() async throws {
    let folder = try TemporaryFolder("dev-postgres")
    try Data("mine".utf8).write(to: URL(filePath: try folder.file("other/notes.txt")))
    let run = try await Command.run(["dev-postgres", "start", folder.path + "/other"], in: folder.path)
    #expect(run.exitCode == 1 && run.output.isEmpty && (1...2).contains(run.errorLines.count))
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path + "/other") == ["notes.txt"])
  }
}
