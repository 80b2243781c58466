// The last line of defence against a password in an error: the layers below print none, and this finds what they missed.

internal import Foundation

/// The passwords of one call, as they may be spelled in an error.
struct Secrets: Sendable {
  private let spellings: [String]

  /// Those of this process.
  static let ofProcess = Secrets(
    words: CommandLine.arguments, environment: ProcessInfo.processInfo.environment)

  /// Collects the passwords in URLs and keyword strings of the command line and of the environment.
  init(words: [String], environment: [String: String]) {
    var found: Set<String> = []
    for text in words + ["DATABASE_URL"].compactMap({ environment[$0] }) {
      found.formUnion(Self.passwords(in: text))
    }
    if let password = environment["PGPASSWORD"] { found.insert(password) }
    // Shorter ones would take half the words out of a message; the drivers print none of any length.
    spellings = found.filter { $0.count >= 4 }.sorted { $0.count > $1.count }
  }

  /// The text with `***` for each password.
  func removed(from text: String) -> String {
    spellings.reduce(text) { $0.replacingOccurrences(of: $1, with: "***") }
  }

  /// The password of a URL's user part, of its query, or of a keyword string; as it is written and decoded.
  private static func passwords(in text: String) -> [String] {
    var found: [Substring] = []
    if let scheme = text.range(of: "://") {
      let rest = text[scheme.upperBound...]
      // A password may hold '@', '/' or '?' that somebody forgot to encode: take the longest reading too.
      for end in [rest.firstIndex(of: "@"), rest.lastIndex(of: "@")] {
        guard let end, let colon = rest[..<end].firstIndex(of: ":") else { continue }
        found.append(rest[rest.index(after: colon)..<end])
      }
    }
    for keyword in ["password=", "password ="] {
      guard let start = text.range(of: keyword) else { continue }
      let rest = text[start.upperBound...].drop { $0 == " " || $0 == "'" }
      found.append(rest.prefix { $0 != "&" && $0 != " " && $0 != "'" })
      found.append(rest.prefix { $0 != "&" && $0 != "'" })
    }
    return found.flatMap { [String($0), $0.removingPercentEncoding ?? ""] }
  }
}
