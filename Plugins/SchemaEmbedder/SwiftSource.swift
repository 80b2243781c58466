// Writes steps as Swift source.

/// Swift source that holds SQL byte for byte.
enum SwiftSource {
  /// A static list of steps.
  static func list(named name: String, of steps: [SQLFiles.Step]) -> String {
    let items = steps.map { step in
      """
          SchemaStep(
            version: \(step.version), name: \(literal(step.name)),
            up: \(literal(step.parts[.up])),
            down: \(literal(step.parts[.down])),
            checkBefore: \(literal(step.parts[.checkBefore])),
            checkAfter: \(literal(step.parts[.checkAfter])))
      """
    }
    return "  static let \(name): [SchemaStep] = [\n\(items.joined(separator: ",\n"))\n  ]\n"
  }

  /// A literal of any text: raw, with one more # than any run of them in the text, so that neither a quote
  /// nor an escape in it can end or begin anything.
  private static func literal(_ text: String?) -> String {
    guard let text else { return "nil" }
    var longest = 0
    var run = 0
    for byte in text.utf8 {
      run = byte == UInt8(ascii: "#") ? run + 1 : 0
      longest = max(longest, run)
    }
    let fence = String(repeating: "#", count: longest + 1)
    // The compiler refuses control characters and reads a carriage return as a line feed.
    let escaped = text.unicodeScalars.map { scalar -> String in
      switch scalar {
      case "\n", "\t": String(scalar)
      case "\u{0}"..<" ", "\u{7F}": "\\\(fence)u{\(String(scalar.value, radix: 16))}"
      default: String(scalar)
      }
    }
    return "\(fence)\"\"\"\n\(escaped.joined())\n\"\"\"\(fence)"
  }
}
