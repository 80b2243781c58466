// Whether a text is JSON, and whether jsonb would hold the same: read once, byte by byte, without a copy.

/// What a text is as JSON; a reader that keeps its room from one text to the next.
struct JSONShape {
  /// What a text is.
  enum Kind: Sendable, Hashable {
    case invalid
    /// JSON of which `jsonb` would change or refuse something: a member twice, an escaped NUL, half a surrogate pair, -0.
    case odd
    /// JSON that `jsonb` holds.
    case plain
  }

  /// The members' names of the objects that are open: where each begins and ends in the text.
  private var names: [Range<Int>] = []
  private var offset = 0
  private var isOdd = false

  init() {}

  /// Reads a text that is UTF-8.
  mutating func read(_ text: UnsafeRawBufferPointer) -> Kind {
    names.removeAll(keepingCapacity: true)
    (offset, isOdd) = (0, false)
    guard unsafe value(text, depth: 0) else { return .invalid }
    unsafe skipSpace(text)
    guard offset == text.count else { return .invalid }
    return isOdd ? .odd : .plain
  }

  // MARK: Values

  private mutating func skipSpace(_ text: UnsafeRawBufferPointer) {
    while offset < text.count {
      let byte = unsafe text[offset]
      guard byte == 0x20 || byte == 9 || byte == 10 || byte == 13 else { return }
      offset += 1
    }
  }

  private mutating func skip(_ byte: UInt8, _ text: UnsafeRawBufferPointer) -> Bool {
    guard offset < text.count, unsafe text[offset] == byte else { return false }
    offset += 1
    return true
  }

  private mutating func value(_ text: UnsafeRawBufferPointer, depth: Int) -> Bool {
    // As deep as `JSON` reads, which is well within what the server's stack takes.
    guard depth <= 512 else { return false }
    unsafe skipSpace(text)
    guard offset < text.count else { return false }
    switch unsafe text[offset] {
    case UInt8(ascii: "{"): return unsafe object(text, depth: depth)
    case UInt8(ascii: "["): return unsafe array(text, depth: depth)
    case UInt8(ascii: "\""): return unsafe string(text) != nil
    case UInt8(ascii: "t"): return unsafe literal("true", text)
    case UInt8(ascii: "f"): return unsafe literal("false", text)
    case UInt8(ascii: "n"): return unsafe literal("null", text)
    default: return unsafe number(text)
    }
  }

  private mutating func literal(_ word: StaticString, _ text: UnsafeRawBufferPointer) -> Bool {
    guard offset + word.utf8CodeUnitCount <= text.count else { return false }
    for place in 0..<word.utf8CodeUnitCount {
      guard unsafe text[offset + place] == word.utf8Start[place] else { return false }
    }
    offset += word.utf8CodeUnitCount
    return true
  }

  private mutating func array(_ text: UnsafeRawBufferPointer, depth: Int) -> Bool {
    offset += 1
    unsafe skipSpace(text)
    if unsafe skip(UInt8(ascii: "]"), text) { return true }
    while true {
      guard unsafe value(text, depth: depth + 1) else { return false }
      unsafe skipSpace(text)
      if unsafe skip(UInt8(ascii: "]"), text) { return true }
      guard unsafe skip(UInt8(ascii: ","), text) else { return false }
    }
  }

  private mutating func object(_ text: UnsafeRawBufferPointer, depth: Int) -> Bool {
    offset += 1
    let first = names.count
    defer { names.removeLast(names.count - first) }
    unsafe skipSpace(text)
    if unsafe skip(UInt8(ascii: "}"), text) { return true }
    while true {
      unsafe skipSpace(text)
      guard offset < text.count, unsafe text[offset] == UInt8(ascii: "\""), let name = unsafe string(text)
      else { return false }
      unsafe note(name, since: first, text)
      unsafe skipSpace(text)
      guard unsafe skip(UInt8(ascii: ":"), text), unsafe value(text, depth: depth + 1) else { return false }
      unsafe skipSpace(text)
      if unsafe skip(UInt8(ascii: "}"), text) { return true }
      guard unsafe skip(UInt8(ascii: ","), text) else { return false }
    }
  }

  /// Notes a member's name, and whether its object has it already: `jsonb` keeps the last one alone.
  private mutating func note(_ name: Range<Int>, since first: Int, _ text: UnsafeRawBufferPointer) {
    guard !isOdd else { return }
    // Comparing each with each is for objects of people's making; a larger one is a member short of being worth jsonb.
    if names.count - first > 500 { isOdd = true }
    let bytes = unsafe UnsafeRawBufferPointer(rebasing: text[name])
    // An escape spells the same name in another way.
    if unsafe bytes.contains(UInt8(ascii: "\\")) { isOdd = true }
    for other in names[first...] where other.count == name.count {
      if unsafe UnsafeRawBufferPointer(rebasing: text[other]).elementsEqual(bytes) { isOdd = true }
    }
    names.append(name)
  }

  // MARK: Strings and numbers

  /// Reads a string, and answers where its text stands.
  private mutating func string(_ text: UnsafeRawBufferPointer) -> Range<Int>? {
    offset += 1
    let start = offset
    while offset < text.count {
      let byte = unsafe text[offset]
      offset += 1
      if byte == UInt8(ascii: "\"") { return start..<(offset - 1) }
      if byte < 0x20 { return nil }
      if byte == UInt8(ascii: "\\"), unsafe !escape(text) { return nil }
    }
    return nil
  }

  private mutating func escape(_ text: UnsafeRawBufferPointer) -> Bool {
    guard offset < text.count else { return false }
    let byte = unsafe text[offset]
    offset += 1
    guard byte == UInt8(ascii: "u") else {
      return "\"\\/bfnrt".utf8.contains(byte)
    }
    guard let unit = unsafe hexadecimal(text) else { return false }
    if unit == 0 || unit & 0xFC00 == 0xDC00 { isOdd = true }
    guard unit & 0xFC00 == 0xD800 else { return true }
    // The other half has to follow.
    let place = offset
    if unsafe skip(UInt8(ascii: "\\"), text), unsafe skip(UInt8(ascii: "u"), text),
      let low = unsafe hexadecimal(text), low & 0xFC00 == 0xDC00
    {
      return true
    }
    offset = place
    isOdd = true
    return true
  }

  private mutating func hexadecimal(_ text: UnsafeRawBufferPointer) -> Int? {
    guard offset + 4 <= text.count else { return nil }
    var value = 0
    for place in offset..<(offset + 4) {
      guard let digit = unsafe Character(Unicode.Scalar(text[place])).hexDigitValue else { return nil }
      value = value << 4 | digit
    }
    offset += 4
    return value
  }

  private mutating func digits(_ text: UnsafeRawBufferPointer) -> Int {
    let start = offset
    while offset < text.count, unsafe text[offset] >= 0x30, unsafe text[offset] <= 0x39 { offset += 1 }
    return offset - start
  }

  private mutating func number(_ text: UnsafeRawBufferPointer) -> Bool {
    let start = offset
    let isNegative = unsafe skip(UInt8(ascii: "-"), text)
    let startsWithZero = unsafe offset < text.count && text[offset] == 0x30
    let whole = unsafe digits(text)
    guard whole > 0, !(startsWithZero && whole > 1) else { return false }
    if unsafe skip(UInt8(ascii: "."), text), unsafe digits(text) == 0 { return false }
    if offset < text.count, unsafe text[offset] | 0x20 == UInt8(ascii: "e") {
      offset += 1
      if unsafe !skip(UInt8(ascii: "+"), text) { _ = unsafe skip(UInt8(ascii: "-"), text) }
      let exponent = unsafe digits(text)
      guard exponent > 0 else { return false }
      // Beyond some hundreds, numeric would write out that many digits, or refuse.
      if exponent > 3 { isOdd = true }
    }
    // numeric knows no -0.
    if isNegative, startsWithZero, offset - start == 2 { isOdd = true }
    if offset - start > 1000 { isOdd = true }
    return true
  }
}
