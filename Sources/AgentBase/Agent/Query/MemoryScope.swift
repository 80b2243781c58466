// Which namespaces a listing or a search looks into.

/// A part of an agent's namespaces.
///
/// A namespace is a text; `/` nests it: `users/1` is inside of `users`, and `users/10` is its sibling. The empty
/// namespace is one of its own, in which nothing nests.
public enum MemoryScope: Sendable, Hashable {
  /// Every namespace.
  case all
  /// One namespace, without what nests in it.
  case namespace(String)
  /// A namespace and all that nests in it.
  case under(String)

  /// Whether a namespace belongs to it.
  public func contains(_ namespace: String) -> Bool {
    switch self {
    case .all: true
    case .namespace(let name): namespace.utf8.elementsEqual(name.utf8)
    case .under(let name):
      namespace.utf8.elementsEqual(name.utf8)
        || (!name.isEmpty && namespace.utf8.starts(with: (name + "/").utf8))
    }
  }
}

/// A run of namespaces that lie next to each other in the order of bytes.
enum NamespaceRange: Sendable, Hashable {
  case all
  case one(String)
  /// From a name on, up to another one that is not in it.
  case from(String, to: String)
}

extension MemoryScope {
  /// The runs that it is made of, in their order.
  var ranges: [NamespaceRange] {
    switch self {
    case .all: [.all]
    case .namespace(let name): [.one(name)]
    // 0 is the character behind the slash.
    case .under(let name): name.isEmpty ? [.one(name)] : [.one(name), .from(name + "/", to: name + "0")]
    }
  }

  /// The name that it is made by; nil for all.
  var name: String? {
    switch self {
    case .all: nil
    case .namespace(let name), .under(let name): name
    }
  }
}

extension String {
  /// The first text, in the order of bytes, behind all that begin with this one; nil where there is none.
  var behindPrefix: String? {
    var scalars = Array(unicodeScalars)
    while let last = scalars.popLast() {
      // Behind the last scalar before the surrogates comes the first one after them.
      let next = last.value == 0xD7FF ? 0xE000 : last.value + 1
      guard let scalar = Unicode.Scalar(next) else { continue }
      scalars.append(scalar)
      var text = String.UnicodeScalarView()
      text.append(contentsOf: scalars)
      return String(text)
    }
    return nil
  }
}
