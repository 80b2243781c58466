// HTML text that is made by interpolation: what is put in is escaped, unless it is HTML itself.

/// A piece of HTML.
///
/// ```swift
/// let cell: HTML = "<td>\(name)</td>"
/// ```
/// An interpolated string becomes text and never a tag, so that no name in a file can be read as HTML.
struct HTML: Sendable {
  /// The HTML itself.
  private(set) var text: String

  /// Nothing.
  static let empty: HTML = ""

  /// Appends another piece.
  static func += (left: inout HTML, right: HTML) { left.text += right.text }

  /// The text between tags or in an attribute: nothing in it has a meaning to HTML.
  ///
  /// Control characters are shown as the symbols for them, and those that turn the direction of what follows are replaced:
  /// they would let a name look like another, or leave its cell.
  static func escaped(_ text: String) -> String {
    var result = ""
    result.reserveCapacity(text.utf8.count)
    for scalar in text.unicodeScalars {
      switch scalar {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "\"": result += "&quot;"
      case "'": result += "&#39;"
      case "\u{00}"..."\u{1F}":
        result.unicodeScalars.append(Unicode.Scalar(0x2400 + scalar.value) ?? "\u{FFFD}")
      case "\u{7F}": result += "\u{2421}"
      case "\u{80}"..."\u{9F}", "\u{202A}"..."\u{202E}", "\u{2066}"..."\u{2069}": result += "\u{FFFD}"
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }
}

extension HTML: ExpressibleByStringInterpolation {
  /// Collects the pieces of an interpolated literal.
  struct StringInterpolation: StringInterpolationProtocol {
    fileprivate var text = ""

    init(literalCapacity: Int, interpolationCount: Int) { text.reserveCapacity(literalCapacity) }

    /// HTML of the program itself.
    mutating func appendLiteral(_ literal: String) { text += literal }
    /// Text, escaped.
    mutating func appendInterpolation(_ text: String) { self.text += HTML.escaped(text) }
    /// A number.
    mutating func appendInterpolation(_ number: Int) { text += String(number) }
    /// HTML, as it is.
    mutating func appendInterpolation(_ html: HTML) { text += html.text }
    /// Pieces of HTML, one after the other.
    mutating func appendInterpolation(_ pieces: [HTML]) { for piece in pieces { text += piece.text } }
  }

  init(stringLiteral value: String) { text = value }
  init(stringInterpolation: StringInterpolation) { text = stringInterpolation.text }
}
