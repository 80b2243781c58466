// Reads a folder of numbered SQL files, and refuses gaps, duplicates and names that mean nothing.

internal import Foundation

/// A folder of steps: for each number `0001_name.up.sql`, and beside it, as far as they are wanted, `.down.sql`,
/// `.check-before.sql` and `.check-after.sql`. Files that do not end with `.sql` are passed by.
///
/// A check is one or more queries. It holds where the first column of every row that they answer is true (in SQLite: not 0); the
/// second column, where there is one, says what is wrong else.
///
/// A step is one transaction, unless its file begins with `-- agentbase: no-transaction`: then each statement is one of its own,
/// and one with `-- agentbase: batch` before it is run again until it changes no row. `BEGIN` … `COMMIT` hold several together; as a
/// batch they are run again until the last of them changes no row, and the rows of the others are told as progress.
/// Such a step is begun again from its first statement when it has failed half way, so its statements have to allow that
/// (`IF NOT EXISTS`; a condition that leaves out what is done).
///
/// A way down that is one transaction keeps aside what it takes away, for the next way up, unless it says
/// `-- agentbase: keep-nothing`.
public struct MigrationFolder: Sendable, Hashable {
  /// The steps, numbered from 1 without a gap.
  public let migrations: [Migration]
  /// The folder.
  public let path: String

  /// The parts of a step, by the end of a file's name.
  private enum Part: String, CaseIterable {
    case up = ".up.sql"
    case down = ".down.sql"
    case checkBefore = ".check-before.sql"
    case checkAfter = ".check-after.sql"
  }

  /// Reads a folder.
  ///
  /// - Throws: `unreadable`, `invalidName`, `duplicate` or `gap`, with the file or the folder.
  public init(path: String) throws(MigrationError) {
    self.path = path
    let names: [String]
    do {
      names = try FileManager.default.contentsOfDirectory(atPath: path).sorted()
    } catch {
      throw MigrationError(
        .unreadable, "the folder \(path) cannot be read: \(error.localizedDescription)",
        advice: "give the folder of the numbered SQL files", file: path)
    }
    var found: [Int: (name: String, file: String, parts: [Part: String])] = [:]
    for fileName in names where fileName.hasSuffix(".sql") {
      let file = "\(path)/\(fileName)"
      let (version, name, part) = try Self.parse(fileName, file)
      var step = found[version] ?? (name, fileName, [:])
      guard step.name == name, step.parts[part] == nil else {
        throw MigrationError(
          .duplicate, "two steps have the number \(version): \(step.file) and \(fileName)",
          advice: "give one of them the next free number, unless a database has it already", version: version,
          file: file)
      }
      step.parts[part] = try Self.read(file)
      found[version] = step
    }
    var migrations: [Migration] = []
    for (version, step) in found.sorted(by: { $0.key < $1.key }) {
      guard version == migrations.count + 1 else {
        throw MigrationError(
          .gap, "\(path): step \(migrations.count + 1) is missing, and the next one is \(step.file)",
          advice: "steps are numbered from 0001 without a gap: restore the file, or number the steps anew",
          version: version, file: path)
      }
      guard let up = step.parts[.up] else {
        throw MigrationError(
          .gap, "\(path): step \(version) (\(step.name)) has no file that ends with .up.sql",
          advice: "add it, or remove \(step.file)", version: version, file: path)
      }
      migrations.append(
        Migration(
          version: version, name: step.name, up: up, down: step.parts[.down],
          checkBefore: step.parts[.checkBefore], checkAfter: step.parts[.checkAfter]))
    }
    self.migrations = migrations
  }

  /// Writes steps into a folder, as `init(path:)` reads them; the folder is made where it is not there.
  ///
  /// - Throws: `unreadable` where a file is there already, before any is written, or cannot be written.
  public static func write(_ migrations: [Migration], to path: String) throws(MigrationError) {
    var files: [(path: String, text: String)] = []
    for step in migrations {
      let digits = String(step.version)
      let stem = "\(path)/\(String(repeating: "0", count: max(0, 4 - digits.count)))\(digits)_\(step.name)"
      let parts: [(Part, String?)] = [
        (.up, step.up), (.down, step.down), (.checkBefore, step.checkBefore), (.checkAfter, step.checkAfter),
      ]
      for (part, text) in parts { if let text { files.append((stem + part.rawValue, text)) } }
    }
    if let file = files.first(where: { FileManager.default.fileExists(atPath: $0.path) }) {
      throw MigrationError(
        .unreadable, "\(file.path) is there already", advice: "nothing is overwritten", file: file.path)
    }
    do {
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
      for file in files {
        try Data(file.text.utf8).write(to: URL(filePath: file.path), options: .withoutOverwriting)
      }
    } catch {
      throw MigrationError(
        .unreadable, "the steps cannot be written to \(path): \(error.localizedDescription)", file: path)
    }
  }

  private static func parse(
    _ fileName: String, _ file: String
  ) throws(MigrationError) -> (version: Int, name: String, part: Part) {
    guard let part = Part.allCases.first(where: { fileName.hasSuffix($0.rawValue) }) else {
      throw MigrationError(
        .invalidName, "\(file): the name does not end as a step's files do",
        advice: "the ends are \(Part.allCases.map(\.rawValue).joined(separator: ", "))", file: file)
    }
    let stem = fileName.dropLast(part.rawValue.count)
    let digits = stem.prefix { $0.isASCII && $0.isNumber }
    let name = stem.dropFirst(digits.count + 1)
    guard digits.count >= 4, let version = Int(digits), version > 0,
      stem.dropFirst(digits.count).first == "_",
      !name.isEmpty
    else {
      throw MigrationError(
        .invalidName, "\(file): a step's file is named NNNN_name\(part.rawValue)",
        advice: "give it four digits from 0001 on, an underscore and a name", file: file)
    }
    return (version, String(name), part)
  }

  private static func read(_ file: String) throws(MigrationError) -> String {
    let data: Data
    do {
      data = try Data(contentsOf: URL(filePath: file))
    } catch {
      throw MigrationError(
        .unreadable, "\(file) cannot be read: \(error.localizedDescription)", file: file)
    }
    guard let text = String(validating: data, as: UTF8.self), !text.utf8.contains(0),
      text.unicodeScalars.first != "\u{FEFF}"
    else {
      throw MigrationError(
        .unreadable, "\(file) is not text in UTF-8 without a byte order mark and without NULs",
        advice: "save it again as UTF-8", file: file)
    }
    return text
  }
}
