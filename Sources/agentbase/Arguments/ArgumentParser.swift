// Words to options and operands, by Glibc's getopt_long.

@unsafe @preconcurrency internal import CGetopt
internal import Glibc

/// The one place that touches `getopt_long` and its global state (getopt(3)).
///
/// `optind`, `optarg`, `optopt` and `opterr` belong to the process: `parse` runs on the main thread, before anything
/// else is started, and resets them first.
enum ArgumentParser {
  /// What a verb is called with.
  enum Request {
    case run(given: [String: String?], operands: [String])
    case help
  }

  /// Reads the words after the verb.
  @MainActor
  static func parse(_ words: [String], options: [OptionDeclaration]) throws(UsageError) -> Request {
    guard !words.contains(where: { $0.utf8.contains(0) }) else {
      throw UsageError("a word of the command line holds a NUL")
    }
    let names = unsafe (options.map(\.name) + ["help"]).map { unsafe strdup($0) }
    var argv = unsafe (["agentbase"] + words).map { unsafe strdup($0) } + [nil]
    // By index: the formatter does not know `for unsafe`.
    defer {
      for place in unsafe names.indices { unsafe free(names[place]) }
      for place in unsafe argv.indices { unsafe free(argv[place]) }
    }
    var table: [option] = unsafe []
    for (place, declaration) in options.enumerated() {
      let takes =
        switch declaration.argument {
        case .none: no_argument
        case .required: required_argument
        case .optional: optional_argument
        }
      unsafe table.append(
        option(name: names[place], has_arg: takes, flag: nil, val: firstValue + Int32(place)))
    }
    unsafe table.append(option(name: names[options.count], has_arg: no_argument, flag: nil, val: helpValue))
    unsafe table.append(option())
    return unsafe try read(words, options: options, argv: &argv, table: table)
  }

  /// The value that `getopt_long` answers for the first option; above every character.
  private static let firstValue: Int32 = 1000
  private static let helpValue = Int32(UInt8(ascii: "h"))

  @MainActor
  private static func read(
    _ words: [String], options: [OptionDeclaration], argv: inout [UnsafeMutablePointer<CChar>?],
    table: [option]
  ) throws(UsageError) -> Request {
    // 0 makes Glibc forget an earlier call altogether.
    optind = 0
    opterr = 0
    var given: [String: String?] = [:]
    var operands: [String] = []
    while true {
      let place = max(Int(optind), 1) - 1
      // "-": operands come in their order, whatever POSIXLY_CORRECT says; ":": a missing value is told from an unknown
      // option; "h": the one short option.
      let found = unsafe getopt_long(Int32(words.count + 1), &argv, "-:h", table, nil)
      let word = place < words.count ? words[place] : ""
      switch found {
      case -1:
        operands += words.dropFirst(max(Int(optind), 1) - 1)
        return .run(given: given, operands: operands)
      case 1:
        operands.append(word)
      case helpValue:
        return .help
      case Int32(UInt8(ascii: ":")):
        throw UsageError("\(name(of: word)) needs a value")
      case firstValue...:
        let declaration = options[Int(found - firstValue)]
        // Glibc takes any beginning of a name: `--agent` must never mean --agents-path.
        guard name(of: word) == declaration.flag else { throw unknown(word) }
        guard given[declaration.name] == nil else { throw UsageError("\(declaration.flag) is given twice") }
        given[declaration.name] = .some(value(of: declaration, in: words, word: word))
      default:
        throw unknown(word, options: options)
      }
    }
  }

  /// What follows an option: what `getopt_long` found, or, where the argument is optional, the next word that is none.
  @MainActor
  private static func value(of declaration: OptionDeclaration, in words: [String], word: String) -> String? {
    switch declaration.argument {
    case .none: return nil
    case .required: return unsafe optarg.map { unsafe String(cString: $0) }
    case .optional:
      if let attached = unsafe optarg { return unsafe String(cString: attached) }
      let next = Int(optind) - 1
      guard next < words.count, !words[next].hasPrefix("-") else { return nil }
      optind += 1
      return words[next]
    }
  }

  /// The option's name in a word, without the value that may follow it.
  private static func name(of word: String) -> String {
    word.firstIndex(of: "=").map { String(word[..<$0]) } ?? word
  }

  private static func unknown(_ word: String, options: [OptionDeclaration] = []) -> UsageError {
    let name = name(of: word)
    if options.contains(where: { $0.flag == name }) { return UsageError("\(name) takes no value") }
    let isNumber = Double(word) != nil
    return UsageError(
      "unknown option \(name)",
      advice: isNumber ? "put -- before a value that begins with a hyphen" : nil)
  }
}
