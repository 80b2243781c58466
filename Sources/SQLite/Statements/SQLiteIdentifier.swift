// Names of tables and columns, as SQL text.

/// Quoting of names.
public enum SQLiteIdentifier {
  /// The name in double quotes, the quotes inside it doubled, so that any name is data and never SQL.
  public static func quoted(_ name: String) -> String {
    var quoted = "\""
    for scalar in name.unicodeScalars {
      if scalar == "\"" { quoted.unicodeScalars.append(scalar) }
      quoted.unicodeScalars.append(scalar)
    }
    return quoted + "\""
  }
}
