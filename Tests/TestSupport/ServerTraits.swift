// Leaves out, visibly, the tests that need a server that is not installed.

public import Testing

extension Trait where Self == ConditionTrait {
  /// Runs the test only where this server is installed, and says what is missing elsewhere.
  public static func needs(_ version: TestServer.Version) -> ConditionTrait {
    .enabled(if: TestServer.isTested(version), Comment(rawValue: version.missing))
  }
}
