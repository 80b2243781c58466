// Where a benchmark works: a folder of its own, servers that go with it, and somebody to tell.

internal import AgentBase
internal import Foundation
internal import PrivateServer

/// What a run lends to its benchmark.
struct BenchStage: Sendable {
  /// A folder of its own, links resolved, which is removed at the end; a killed run's too.
  let folder: String
  /// How often each is measured.
  let rounds: Int
  private let watchdog: Watchdog
  private let baseline: BenchReport?
  private let onMeasured: @Sendable (String, BenchMeasurement) -> Void

  /// Runs a body with a new stage.
  static func with<Value>(
    rounds: Int, baseline: BenchReport?, onMeasured: @escaping @Sendable (String, BenchMeasurement) -> Void,
    _ body: (BenchStage) async throws -> Value
  ) async throws -> Value {
    // The server's user has to reach its folder, links resolved.
    let folder = FileManager.default.temporaryDirectory.resolvingSymlinksInPath()
      .appending(path: "agentbase-bench-\(UUID().uuidString.prefix(8).lowercased())").path(
        percentEncoded: false)
    let watchdog = try Watchdog()
    watchdog.watch(folder)
    try FileManager.default.createDirectory(
      atPath: folder, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o755])
    defer { try? FileManager.default.removeItem(atPath: folder) }
    return try await body(
      BenchStage(
        folder: folder, rounds: rounds, watchdog: watchdog, baseline: baseline, onMeasured: onMeasured))
  }

  /// A report without results yet.
  ///
  /// - Throws: where the baseline measured something else: before the minutes that a measurement takes.
  func begin(_ bench: String, rows: Int, server: String, reference: String = "") throws -> BenchReport {
    let report = BenchReport(
      bench: bench, date: Date().ISO8601Format(), rows: rows, rounds: rounds, server: server,
      reference: reference)
    if let baseline { _ = try BenchComparison(report, before: baseline) }
    return report
  }

  /// Tells a measurement when it is there: the whole takes minutes.
  func tell(_ name: String, _ measurement: BenchMeasurement) { onMeasured(name, measurement) }

  /// Runs the body with a server: the user's, or a private one. What was made on it is gone afterwards.
  func withServer<Value: Sendable>(
    _ target: PostgresTarget?, _ body: (BenchServer) async throws -> Value
  ) async throws -> Value {
    let server: BenchServer
    if let target {
      server = try await BenchServer(target.configuration)
    } else {
      server = try await BenchServer.start(in: folder + "/server", watchdog: watchdog)
    }
    let value: Value
    do {
      value = try await body(server)
    } catch {
      // In a task of its own: this one may be cancelled, and what was made has to go all the same.
      await Task { try? await server.remove() }.value
      throw error
    }
    try await server.remove()
    return value
  }
}
