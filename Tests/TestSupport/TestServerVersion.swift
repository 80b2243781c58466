// Which servers the tests run on, and what happens where one is not installed.

import Foundation
public import PrivateServer

extension TestServer {
  /// A server that tests run on.
  public enum Version: String, Sendable, CaseIterable, CustomStringConvertible {
    /// The system's own server without pgvector: Debian 12's PostgreSQL 15, or what the system has instead.
    ///
    /// Where that is older than 15, as on Ubuntu 22.04, it is the PostgreSQL 16 beside the 18.
    case v15
    /// PostgreSQL 18 with pgvector, from `Scripts/setup`.
    case v18

    /// The name in the output of the tests.
    public var description: String { rawValue }

    /// Its programs; nil where it is not installed.
    public var binaries: PostgresBinaries? { Self.installed[self] }

    /// What to do where it is not installed.
    public var missing: String {
      switch self {
      case .v15: "no PostgreSQL 15 or later: apt-get install postgresql"
      case .v18: "no PostgreSQL 18 with pgvector: run Scripts/setup"
      }
    }

    private static let installed: [Version: PostgresBinaries] = {
      let all = PostgresBinaries.installed()
      var found: [Version: PostgresBinaries] = [:]
      found[.v15] =
        all.first { !$0.hasVector && $0.version >= 15 } ?? all.first { (15..<18).contains($0.version) }
      found[.v18] = all.last { $0.hasVector && $0.version >= 18 }
      return found
    }()
  }

  /// The servers to run a test on: `@Test(arguments: TestServer.versions)`.
  ///
  /// Those that are installed; all of them where `AGENTBASE_REQUIRE_ALL_SERVERS` is `1`, so that a missing
  /// one fails the test instead of leaving it out.
  public static let versions: [Version] =
    requiresAll ? Version.allCases : Version.allCases.filter { $0.binaries != nil }

  /// Whether a test that needs this server is to run: `.enabled(if: TestServer.isTested(.v18), …)`.
  public static func isTested(_ version: Version) -> Bool { versions.contains(version) }

  private static var requiresAll: Bool {
    ProcessInfo.processInfo.environment["AGENTBASE_REQUIRE_ALL_SERVERS"] == "1"
  }
}
