// Where in a value an encoder or a decoder is: a list that costs nothing until somebody asks for it.

/// The way from the whole value to a part of it.
indirect enum CodingPath {
  case root
  case to(CodingStep, from: CodingPath)

  /// The keys from the outside in, as `Codable` and its errors have them.
  var keys: [any CodingKey] {
    var keys: [any CodingKey] = []
    var path = self
    while case .to(let step, let outer) = path { (path, keys) = (outer, keys + [step.key]) }
    return keys.reversed()
  }
}

/// From a value to one of its parts.
enum CodingStep {
  case member(any CodingKey)
  case element(Int)

  var key: any CodingKey {
    switch self {
    case .member(let key): key
    case .element(let index): PathKey(index)
    }
  }
}

/// A key that is not one of a type's own: a place in an array, a name of a `JSON` object, `super`.
struct PathKey: CodingKey {
  let stringValue: String
  let intValue: Int?

  /// The key under which a class keeps what its superclass encodes.
  static let superclass = PathKey(stringValue: "super")

  init(stringValue: String) { (self.stringValue, intValue) = (stringValue, nil) }
  init(intValue: Int) { self.init(intValue) }
  init(_ index: Int) { (stringValue, intValue) = ("Index \(index)", index) }
}
