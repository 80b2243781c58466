// What the pool asks of a connection before it hands it out, after it came back, and when it could not be opened.

import Synchronization

extension PostgresConnection {
  /// What a connection that came back is good for.
  enum Condition: UInt8, Sendable, AtomicRepresentable {
    case fit
    /// With settings that the next user must not find.
    case sessionChanged
    case inTransaction
    case unusable
  }

  /// Resets the session; false where that failed, and the link is of no more use.
  func becomesFit() async -> Bool {
    do {
      try await reset()
      return isIdle
    } catch {
      return false
    }
  }

  /// Whether the server has not ended the session while nobody used it. Looks at the socket, without a round trip.
  func lives() -> Bool {
    guard let link else { return false }
    do throws(PostgresError) {
      try checkAlive(link, nil)
      return true
    } catch {
      return false
    }
  }
}

extension PostgresError {
  /// Whether trying to connect again cannot help until somebody changes the settings, here or on the server.
  var isPermanentOpenFailure: Bool {
    if code == .invalidConfiguration { return true }
    guard let state = sqlState else { return code == .connectionFailed && !isSafeToRetry }
    // 28: no such role, wrong password, or refused by pg_hba.conf.
    return state.conditionClass == "28" || state == .invalidCatalogName || state == .insufficientPrivilege
  }
}
