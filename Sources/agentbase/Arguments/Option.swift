// What a verb declares of its options: name, argument, environment variable, help, and how a value is read.

/// An option as help prints it and `getopt_long` takes it.
struct OptionDeclaration: Sendable, Hashable {
  /// What follows the option.
  enum Argument: Sendable, Hashable {
    case none
    case required(String)
    /// The placeholder of what may follow: the next word, unless it begins with a hyphen.
    case optional(String)
  }

  let name: String
  let argument: Argument
  /// The environment variable that speaks where the option is not given.
  let variable: String?
  let help: String

  /// The option as a user types it.
  var flag: String { "--" + name }

  /// The option with its placeholder.
  var spelling: String {
    switch argument {
    case .none: flag
    case .required(let placeholder): "\(flag) \(placeholder)"
    case .optional(let placeholder): "\(flag) [\(placeholder)]"
    }
  }
}

/// Why a word is no value of an option: what was expected.
struct InvalidValue: Error {
  let expected: String
}

/// An option whose value is a `Value`.
struct Option<Value: Sendable>: Sendable {
  let declaration: OptionDeclaration
  let read: @Sendable (String) throws(InvalidValue) -> Value

  init(
    _ name: String, _ placeholder: String, variable: String? = nil, help: String,
    read: @escaping @Sendable (String) throws(InvalidValue) -> Value
  ) {
    declaration = OptionDeclaration(
      name: name, argument: .required(placeholder), variable: variable, help: help)
    self.read = read
  }

  init(_ declaration: OptionDeclaration, read: @escaping @Sendable (String) throws(InvalidValue) -> Value) {
    self.declaration = declaration
    self.read = read
  }
}

extension Option where Value == String {
  /// An option whose value is any text but the empty one.
  init(_ name: String, _ placeholder: String, variable: String? = nil, help: String) {
    self.init(name, placeholder, variable: variable, help: help) { text throws(InvalidValue) in
      guard !text.isEmpty else { throw InvalidValue(expected: "a value that is not empty") }
      return text
    }
  }
}

extension Option where Value == String {
  /// An option whose value is a file or a folder.
  static func path(
    _ name: String, _ placeholder: String, variable: String? = nil, help: String
  ) -> Option {
    Option(name, placeholder, variable: variable, help: help, read: OptionValues.path)
  }
}

/// An option that is given or not.
struct Flag: Sendable {
  let declaration: OptionDeclaration

  init(_ name: String, help: String) {
    declaration = OptionDeclaration(name: name, argument: .none, variable: nil, help: help)
  }
}
