// A schema, object by object, so that two can be compared.

/// What a schema consists of: each object's name and its definition, with nothing in it of the way that it came about.
struct SchemaCatalogue: Sendable, Hashable {
  /// Definitions by the names of their objects, such as `table routers column name`.
  var objects: [String: String]

  /// What differs from what was to be: objects that are missing, that are other, and that are on tables of the steps besides.
  func differences(from expected: SchemaCatalogue) -> [SchemaDifference] {
    var found: [SchemaDifference] = []
    for (name, definition) in expected.objects where objects[name] != definition {
      found.append(SchemaDifference(object: name, expected: definition, found: objects[name]))
    }
    for (name, definition) in objects where expected.objects[name] == nil {
      // A table that the steps do not know is somebody else's.
      guard let owner = Self.table(of: name), expected.objects[owner] != nil else { continue }
      found.append(SchemaDifference(object: name, expected: nil, found: definition))
    }
    return found.sorted { $0.object < $1.object }
  }

  /// The table that an object is a part of: `table routers` of `table routers column name`.
  private static func table(of name: String) -> String? {
    for part in [" column ", " index ", " trigger ", " constraint "] {
      if let range = name.firstRange(of: part) { return String(name[..<range.lowerBound]) }
    }
    return nil
  }
}

/// An object of the schema that is not as the steps make it.
public struct SchemaDifference: Sendable, Hashable {
  /// What it is: `table routers column name`, `table routers index by_name`, `view active`, …
  public let object: String
  /// As the steps make it; nil where they make none.
  public let expected: String?
  /// As the database has it; nil where it has none.
  public let found: String?

  /// A difference.
  public init(object: String, expected: String?, found: String?) {
    self.object = object
    self.expected = expected
    self.found = found
  }
}
