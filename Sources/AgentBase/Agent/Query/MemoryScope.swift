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
