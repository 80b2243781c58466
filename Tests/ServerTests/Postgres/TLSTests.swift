// Encrypted connections: what is checked before anything is said, and that much data goes through.

import Foundation
import Postgres
import PrivateServer
import TestSupport
import Testing

@Suite(.enabled(if: TLSServer.isAvailable, TLSServer.missing)) struct PostgresTLSTests {
  private func refused(_ configuration: PostgresConfiguration) async throws -> PostgresError {
    let error = try await Live.error { _ = try await PostgresConnection.connect(configuration) }
    #expect(error.code == .connectionFailed)
    #expect(error.description.split(separator: "\n").count <= 2, "\(error)")
    return error
  }

  private func isEncrypted(_ configuration: PostgresConfiguration) async throws -> Bool {
    let connection = try await PostgresConnection.connect(configuration)
    let row = try await connection.query("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()")[0]
    await connection.close()
    return try row.decode(0)
  }

  // MARK: What is checked

  @Test func theServersCertificateIsCheckedAsItIsAskedFor() async throws {
    let server = try await TLSServer.shared()
    for mode in ["prefer", "require"] {
      #expect(try await isEncrypted(server.configuration(mode)), "\(mode)")
    }
    for mode in ["verify-ca", "verify-full"] {
      var configuration = try server.configuration(mode)
      configuration["sslrootcert"] = server.certificates.authority
      #expect(try await isEncrypted(configuration), "\(mode)")

      configuration["sslrootcert"] = server.certificates.stranger
      let unknown = try await refused(configuration)
      #expect(unknown.description.contains("certificate verify failed"), "\(unknown)")
      #expect(!unknown.isSafeToRetry)

      configuration["sslrootcert"] = "/nonexistent/root.crt"
      let missing = try await refused(configuration)
      #expect(missing.description.contains("\"/nonexistent/root.crt\" does not exist"), "\(missing)")
      #expect(!missing.isSafeToRetry)
    }
  }

  @Test func theHostNameIsCheckedOnlyByVerifyFull() async throws {
    let server = try await TLSServer.shared()
    var configuration = try server.configuration("verify-full")
    configuration["sslrootcert"] = server.certificates.authority
    configuration["host"] = "other.test"
    let error = try await refused(configuration)
    #expect(
      error.description.contains("\"database.test\" does not match host name \"other.test\""), "\(error)")
    #expect(!error.isSafeToRetry)
    configuration["sslmode"] = "verify-ca"
    #expect(try await isEncrypted(configuration))
  }

  @Test func aClientIsKnownByItsCertificate() async throws {
    let server = try await TLSServer.shared()
    try await server.server.server.psql("CREATE ROLE certified LOGIN")
    var configuration = try server.configuration("require")
    configuration["user"] = "certified"
    let without = try await refused(configuration)
    #expect(without.sqlState?.conditionClass == "28", "\(without)")
    #expect(!without.isSafeToRetry)
    configuration["sslcert"] = server.certificates.client.certificate
    configuration["sslkey"] = server.certificates.client.key
    let connection = try await PostgresConnection.connect(configuration)
    #expect(try await connection.query("SELECT current_user")[0].decode(0, as: String.self) == "certified")
    await connection.close()
    configuration["sslkey"] = server.certificates.client.certificate
    let unreadable = try await refused(configuration)
    #expect(unreadable.description.contains(server.certificates.client.certificate), "\(unreadable)")
    #expect(!unreadable.isSafeToRetry)
  }

  @Test func whereOneSideWantsTLSAndTheOtherDoesNotItIsSaid() async throws {
    let server = try await TLSServer.shared()
    let plain = try await refused(server.configuration("disable"))
    #expect(plain.sqlState?.conditionClass == "28")
    #expect(plain.description.contains("no encryption"), "\(plain)")

    let (without, port) = try await TLSServer.listening(["ssl": "off"])
    let configuration = try PostgresConfiguration("host=127.0.0.1 port=\(port) user=postgres sslmode=require")
    let error = try await refused(configuration)
    #expect(error.description.contains("server does not support SSL, but SSL was required"), "\(error)")
    #expect(error.description.contains("\(port)"), "\(error)")
    #expect(!error.isSafeToRetry)
    // A pool does not wait until that mends itself.
    let pool = PostgresPool(configuration)
    let told = await #expect(throws: PostgresError.self) { try await pool.query("SELECT 1") }
    #expect(told?.code == .connectionFailed)
    await pool.close()
    try await without.server.remove()
  }

  // MARK: Much data

  /// Both directions of everything, larger than all buffers, so that each side has to wait for the other.
  @Test func everythingGoesThroughBothWays() async throws {
    let server = try await TLSServer.shared()
    let connection = try await PostgresConnection.connect(server.configuration("require"))
    try await connection.executeScript("CREATE TEMPORARY TABLE t (a int, b text)")
    let line = String(repeating: "x", count: 1000)
    let piece = Array((0..<1000).map { "\($0)\t\(line)\n" }.joined().utf8)
    #expect(
      try await connection.copyIn("COPY t FROM STDIN") { for _ in 0..<40 { try await $0.write(piece) } }
        == 40_000)
    var received = 0
    #expect(try await connection.copyOut("COPY t TO STDOUT") { received += $0.count } == 40_000)
    #expect(received == 40 * piece.count)
    let rows = try await connection.query("SELECT b FROM t")
    #expect(rows.count == 40_000)

    let big = String(repeating: "y", count: 300_000)
    for mode in [PostgresPipelineMode.atomic, .independent] {
      let answers = try await connection.pipeline(
        (0..<50).map { _ in "SELECT \(big) || \(big)" as PostgresStatement }, mode: mode)
      for answer in answers { #expect(try answer.get()[0].decode(0, as: String.self).utf8.count == 600_000) }
    }
    let malformed = try await Live.error {
      try await connection.copyIn("COPY t FROM STDIN") { try await $0.write(Array("x\ty\n".utf8)) }
    }
    #expect(malformed.sqlState == .invalidTextRepresentation)
    #expect(await connection.isIdle)
    await connection.close()
  }

  @Test func cancellingAndKillingAreNoticed() async throws {
    let server = try await TLSServer.shared()
    let configuration = try server.configuration("require")
    let connection = try await PostgresConnection.connect(configuration)
    let sleeper = Task { try await connection.query("SELECT pg_sleep(600)") }
    try await Live.untilAsleep(connection, of: configuration)
    sleeper.cancel()
    #expect(try await Live.error { _ = try await sleeper.value }.code == .cancelled)
    let victim = Task { try await connection.query("SELECT pg_sleep(600)") }
    try await Live.untilAsleep(connection, of: configuration)
    try await server.server.server.psql("SELECT pg_terminate_backend(\(connection.backendProcessID), 10000)")
    let error = try await Live.error { _ = try await victim.value }
    #expect(error.code == .connectionLost)
    #expect(error.sqlState == .adminShutdown)
  }

  /// A part of a large record stays inside OpenSSL, where the socket does not show it.
  @Test(.timeLimit(.minutes(5))) func largeRecordsLeaveNobodyWaiting() async throws {
    let server = try await TLSServer.shared()
    let relay = try await TLSRelay(
      server.certificates, to: "\(server.server.server.socketDirectory)/.s.PGSQL.\(server.port)")
    let configuration = try PostgresConfiguration(
      "host=127.0.0.1 port=\(relay.port) user=postgres dbname=postgres sslmode=require")
    let connection = try await PostgresConnection.connect(configuration)
    // Without a question to OpenSSL this hangs where the last record is larger than the room that a part of a row
    // leaves in libpq's buffer of 16 KB, as it is at some of these sizes.
    for count in 3...40 {
      let select = "SELECT repeat('x', 7000) FROM generate_series(1, \(count))"
      #expect(try await connection.query(PostgresStatement(sql: select)).count == count)
      let sent = try await connection.copyOut(PostgresStatement(sql: "COPY (\(select)) TO STDOUT")) { _ in }
      #expect(sent == count)
      let answers = try await connection.pipeline((0..<3).map { _ in PostgresStatement(sql: select) })
      for answer in answers { #expect(try answer.get().count == count) }
    }
    await connection.close()
    withExtendedLifetime(relay) {}
  }
}
