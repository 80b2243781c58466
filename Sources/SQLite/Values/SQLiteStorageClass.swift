// The five storage classes of a value in SQLite.

/// What a value is stored as, whatever type its column declares (SQLite: "Datatypes", section 2).
@frozen
public enum SQLiteStorageClass: Int32, Sendable, Hashable {
  case integer = 1
  case real = 2
  case text = 3
  case blob = 4
  case null = 5
}
