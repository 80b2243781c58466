// Where in a value an encoder or a decoder is: a list that costs nothing until somebody asks for it.

/// The way from the whole value to a part of it.
indirect enum CodingPath {
  case root
  case member(CodingPath, any CodingKey)
  case element(CodingPath, Int)

  /// The keys from the outside in, as `Codable` and its errors have them.
  var keys: [any CodingKey] {
    var keys: [any CodingKey] = []
    var path = self
    while true {
      switch path {
      case .root: return keys.reversed()
      case .member(let outer, let key): (path, keys) = (outer, keys + [key])
      case .element(let outer, let index): (path, keys) = (outer, keys + [PathKey(index)])
      }
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
