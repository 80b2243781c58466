// Where a run read from and wrote to, as its page tells it.

public import Postgres

/// What a page says of a run beside what became of its rows.
public struct RunDescription: Sendable {
  /// The agents' folder or the file, as the user named it.
  public var source: String
  /// The server, the database and the user; never a password.
  public var target: String
  /// The name of the JSON report beside the page.
  public var jsonReport: String
  /// Where the files were backed up before; nil where they were not.
  public var backup: String?

  /// A run from a source into a database.
  public init(
    source: String, target: PostgresConfiguration, jsonReport: String, backup: String? = nil
  ) {
    self.source = source
    self.target = Self.words(target)
    self.jsonReport = jsonReport
    self.backup = backup
  }

  /// `database agents on db.example:5432 as migrator`; what the URL leaves to libpq is left out.
  private static func words(_ target: PostgresConfiguration) -> String {
    var words = "database \(target.database ?? "of the user's name")"
    if let host = target.host {
      words += host.hasPrefix("/") ? " on the socket in \(host)" : " on \(host)"
      if let port = target.port { words += ":\(port)" }
    }
    if let user = target.user { words += " as \(user)" }
    return words
  }
}
