// What the user said, read by a verb: options by their declarations, from the command line or the environment.

/// The options and operands of one call.
struct Arguments: Sendable {
  /// The words of the options that were given, by name; nil where an optional argument was left out.
  let given: [String: String?]
  /// The words that are no options, in their order.
  let operands: [String]
  /// The variables of the process.
  let environment: [String: String]

  /// Whether the flag is given.
  subscript(flag: Flag) -> Bool { given[flag.declaration.name] != nil }

  /// The option's value: from the command line, else from its variable, else nil.
  ///
  /// - Throws: `UsageError` that names the option or the variable.
  func value<Value>(_ option: Option<Value>) throws(UsageError) -> Value? {
    let declaration = option.declaration
    if let word = given[declaration.name] {
      guard let word else { return nil }
      do {
        return try option.read(word)
      } catch {
        throw UsageError("\(declaration.flag) \(Self.named(word)) is not valid: expected \(error.expected)")
      }
    }
    guard let variable = declaration.variable, let word = environment[variable] else { return nil }
    do {
      return try option.read(word)
    } catch {
      throw UsageError(
        "the environment variable \(variable) is not valid: expected \(error.expected)",
        advice: "set it right, unset it, or give \(declaration.flag)")
    }
  }

  /// The option's value, which has to be there.
  func required<Value>(_ option: Option<Value>) throws(UsageError) -> Value {
    if let value = try value(option) { return value }
    let variable = option.declaration.variable.map { ", or the environment variable \($0)" } ?? ""
    throw UsageError("\(option.declaration.spelling)\(variable) is needed")
  }

  /// Whether the option stands on the command line.
  func has(_ option: OptionDeclaration) -> Bool { given[option.name] != nil }

  /// A word as an error may print it: a URL may hold a password, whatever the option that it was given for.
  static func named(_ word: String) -> String {
    word.contains("://") || word.contains("password=") ? "(a URL)" : "'\(word)'"
  }
}

/// Wrong use of the command: exit code 2.
struct UsageError: Error {
  let message: String
  /// What to do; nil where only the help tells.
  let advice: String?

  init(_ message: String, advice: String? = nil) {
    self.message = message
    self.advice = advice
  }
}
