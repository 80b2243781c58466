// Holds a run in the middle of one of its commits, so that it can be disturbed just there.

import Postgres

/// A gate that each commit which writes into the ledger passes, and that one of them is held at.
///
/// A deferred trigger is the last thing that a transaction does before its commit is written: the client has sent COMMIT by
/// then and has no answer yet. The gate is a lock that the test holds.
struct CommitGate: Sendable {
  private let connection: PostgresConnection

  /// Makes the gate where the ledger is there; nil where it is not there yet.
  init?(url: String, ledger: String) async throws {
    connection = try await PostgresConnection.connect(PostgresConfiguration(url))
    let row = try await connection.queryOne(
      """
      SELECT to_regclass(\(ledger)) IS NULL, NOT EXISTS (
        SELECT FROM pg_trigger WHERE tgrelid = to_regclass(\(ledger)) AND tgname = 'commit_gate')
      """)
    if try row?.decode(0, as: Bool.self) ?? true {
      await connection.close()
      return nil
    }
    guard try row?.decode(1, as: Bool.self) ?? false else { return }
    try await connection.transaction { connection in
      for sql in Self.definition {
        try await connection.execute(PostgresStatement(sql: sql.replacing("LEDGER", with: ledger)))
      }
    }
  }

  private static let definition = [
    "CREATE SCHEMA disturbance",
    "CREATE SEQUENCE disturbance.commits",
    "CREATE TABLE disturbance.gate AS SELECT 0 AS number",
    """
    CREATE FUNCTION disturbance.pass() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF nextval('disturbance.commits') = (SELECT number FROM disturbance.gate) THEN
        PERFORM pg_advisory_xact_lock_shared(4711, 1);
      END IF;
      RETURN NULL;
    END $$
    """,
    """
    CREATE CONSTRAINT TRIGGER commit_gate AFTER INSERT ON LEDGER DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION disturbance.pass()
    """,
  ]

  /// Closes the gate for the commit of this number, counted from now.
  func close(for number: Int) async throws {
    try await connection.execute("SELECT pg_advisory_lock(4711, 1)")
    try await connection.execute("ALTER SEQUENCE disturbance.commits RESTART")
    try await connection.execute("UPDATE disturbance.gate SET number = \(Int32(number))")
  }

  /// Waits until a commit is held, or `hasEnded` says that none will be.
  func holdsACommit(orUntil hasEnded: () -> Bool) async throws -> Bool {
    while true {
      let held = try await connection.query(
        "SELECT FROM pg_locks WHERE locktype = 'advisory' AND (classid, objid) = (4711, 1) AND NOT granted")
      if !held.isEmpty { return true }
      if hasEnded() { return false }
      try await Task.sleep(for: .milliseconds(5))
    }
  }

  /// Lets the commit go on.
  func open() async { await connection.close() }
}
