// Full disks on either side, in both directions, and clocks that differ by minutes.

import AgentBase
import Foundation
import Postgres
import PrivateServer
import SQLite
import TestSupport
import Testing

@Suite("Cut-over: disks and clocks") struct CutoverResourceTests {
  @Test(
    "A full disk under the file: what follows waits, what decides refuses, and nothing is lost",
    .enabled(if: SmallDisk.missing == nil, "a small disk is needed"), arguments: [false, true])
  func fullDiskOfFile(_ isFollower: Bool) async throws {
    let disk = try SmallDisk(megabytes: 16)
    let home = try await CutoverScene()
    let scene = CutoverScene(home, path: disk.path + "/memory.db")
    try SQLiteConnection(path: scene.path).executeScript("PRAGMA journal_mode = WAL")
    try await scene.set(.dualSQLite)
    if isFollower { try await scene.set(.postgresPrimary) }
    let agent = try await scene.agent()
    try await agent.storeMemory("before", 1)
    try await scene.untilCarried(agent)
    try disk.fill()
    let value = String(repeating: "x", count: 20_000)
    var stored: [Int] = []
    for number in 0..<40 {
      do {
        try await agent.storeMemory("key \(number)", "\(number) \(value)")
        stored.append(number)
      } catch is AgentBaseError {
        // The file decides, and has no room: not acknowledged.
        #expect(!isFollower)
      }
    }
    #expect(isFollower == (stored.count == 40))
    if isFollower {
      try await until { try await agent.cutoverStatus()?.failure != nil }
      #expect(try await agent.cutoverStatus()?.lag ?? 0 > 0)
    }
    disk.empty()
    try await until { (try? await agent.storeMemory("after", 1)) != nil }
    try await scene.untilCarried(agent)
    try await scene.expectEqual()
    for number in stored {
      #expect(
        try await agent.retrieveMemory("key \(number)", as: String.self)?.hasPrefix("\(number) ") == true)
    }
    await agent.close()
  }

  @Test(
    "A full disk under Postgres' tables: what follows waits, what decides refuses, and nothing is lost",
    .enabled(if: SmallDisk.missing == nil, "a small disk is needed"), arguments: [false, true])
  func fullDiskOfPostgres(_ decides: Bool) async throws {
    let disk = try SmallDisk(megabytes: 16)
    let scene = try await CutoverScene()
    try await scene.set(.dualSQLite)
    let agent = try await scene.agent()
    try await agent.storeMemory("before", 1)
    try await scene.untilCarried(agent)
    // The server's user has to own the folder.
    let folder = disk.path + "/tables"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
    if let owner = getpwnam("postgres") { chown(folder, owner.pointee.pw_uid, owner.pointee.pw_gid) }
    let connection = try await PostgresConnection.connect(try PostgresConfiguration(scene.url))
    let name = "small_\(UInt32.random(in: 0..<UInt32.max))"
    try await connection.executeScript("CREATE TABLESPACE \(name) LOCATION '\(folder)'")
    try await connection.executeScript("ALTER TABLE agent_memories SET TABLESPACE \(name)")
    if decides { try await scene.set(.postgresPrimary) }
    try disk.fill()
    // Values that do not shrink.
    var random = SeededGenerator(seed: 7)
    func value() -> String {
      String((0..<4000).map { _ in Character(UnicodeScalar(UInt8.random(in: 97...122, using: &random))) })
    }
    var stored: [Int] = []
    for number in 0..<60 {
      do {
        try await agent.storeMemory("key \(number)", "\(number) \(value())")
        stored.append(number)
      } catch is AgentBaseError {
        #expect(decides)
      }
    }
    #expect(decides == (stored.count < 60))
    if !decides { try await until { try await agent.cutoverStatus()?.failure != nil } }
    disk.empty()
    try await until { (try? await agent.storeMemory("after", 1)) != nil }
    try await scene.untilCarried(agent)
    try await scene.expectEqual()
    for number in stored {
      #expect(
        try await agent.retrieveMemory("key \(number)", as: String.self)?.hasPrefix("\(number) ") == true)
    }
    await agent.close()
    try await connection.executeScript("ALTER TABLE agent_memories SET TABLESPACE pg_default")
    try await connection.executeScript("DROP TABLESPACE \(name)")
    await connection.close()
  }

  /// Has a program's clock differ: the first to be asked of all that give the time.
  private static let clockSource = """
    #define _GNU_SOURCE
    #include <dlfcn.h>
    #include <stdlib.h>
    #include <time.h>
    int clock_gettime(clockid_t id, struct timespec *time) {
      static int (*real)(clockid_t, struct timespec *);
      if (!real) real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
      int answer = real(id, time);
      const char *shift = getenv("CLOCK_SHIFT");
      if (id == CLOCK_REALTIME && shift) time->tv_sec += atol(shift);
      return answer;
    }
    """

  @Test(
    "Clocks that differ by minutes: the last writer is the last, in both directions",
    arguments: [false, true])
  func clocks(_ isBack: Bool) async throws {
    let scene = try await CutoverScene(CutoverScene.legacySQL)
    let (source, shim) = (try scene.folder.file("clock.c"), try scene.folder.file("clock.so"))
    try Self.clockSource.write(toFile: source, atomically: true, encoding: .utf8)
    let compiler = try RunningCommand(
      "/usr/bin/env", ["clang", "-shared", "-fPIC", "-o", shim, source, "-ldl"], in: scene.folder.path)
    let compiled = await compiler.ended()
    try #require(compiled.exitCode == 0, "\(compiled.errors)")
    try await scene.set(.dualSQLite)
    let words = ["--agent", scene.id, "--sqlite", scene.path, "--postgres-url", scene.url]
    let imported = try await Command.run(
      ["import", "--quiet"] + words, in: scene.folder.path)
    #expect(imported.exitCode == 0, "\(imported.errors)")
    if isBack { try await scene.set(.postgresPrimary) }
    for (number, shift) in ["+600", "-600", "0", "-300", "+300", "-900"].enumerated() {
      for key in ["shared", "old 7"] {
        let put = try await Command.run(
          ["memory", "put", key, "\(number)", "--backend", "dual"] + words, in: scene.folder.path,
          environment: ["LD_PRELOAD": shim, "CLOCK_SHIFT": shift])
        #expect(put.exitCode == 0, "\(put.errors)")
        let agent = try await scene.agent()
        #expect(try await agent.retrieveMemory(key, as: Int.self) == number)
        try await scene.untilCarried(agent)
        await agent.close()
      }
    }
    try await scene.expectEqual()
    try await scene.set(isBack ? .dualSQLite : .postgresPrimary)
    let agent = try await scene.agent()
    for key in ["shared", "old 7"] { #expect(try await agent.retrieveMemory(key, as: Int.self) == 5) }
    await agent.close()
  }
}
