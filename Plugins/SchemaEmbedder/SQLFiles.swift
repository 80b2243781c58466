// Reads a folder of numbered SQL files and refuses gaps, duplicates and names that mean nothing.

import Foundation

/// What is wrong with a folder of SQL files.
struct SchemaFault: Error {
  let text: String
  let file: String
}

/// The steps that a folder's SQL files make, in order.
struct SQLFiles {
  /// One step: its SQL by part.
  struct Step {
    let version: Int
    let name: String
    var parts: [Part: String] = [:]
  }

  /// The end of a file's name, which says what part of a step it is.
  enum Part: String, CaseIterable {
    case up = ".up.sql"
    case down = ".down.sql"
    case checkBefore = ".check-before.sql"
    case checkAfter = ".check-after.sql"
  }

  let steps: [Step]

  /// Reads the folder; one that is missing or empty has no steps.
  init(in folder: URL) throws {
    let names = ((try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []).sorted()
    var steps: [Int: Step] = [:]
    for fileName in names where fileName.hasSuffix(".sql") {
      let file = folder.appending(path: fileName)
      let (version, name, part) = try Self.parse(fileName, path: file.path)
      var step = steps[version] ?? Step(version: version, name: name)
      guard step.name == name else {
        throw SchemaFault(
          text: "two steps have the number \(version): \"\(step.name)\" and \"\(name)\"", file: file.path)
      }
      step.parts[part] = try Self.read(file)
      steps[version] = step
    }
    self.steps = steps.values.sorted { $0.version < $1.version }
    try Self.check(self.steps, folder: folder.path)
  }

  private static func parse(
    _ fileName: String, path: String
  ) throws -> (version: Int, name: String, part: Part) {
    guard let part = Part.allCases.first(where: { fileName.hasSuffix($0.rawValue) }) else {
      throw SchemaFault(
        text: "a step's file ends with \(Part.allCases.map(\.rawValue).joined(separator: ", "))", file: path)
    }
    let stem = fileName.dropLast(part.rawValue.count)
    let digits = stem.prefix { $0.isASCII && $0.isNumber }
    let name = stem.dropFirst(digits.count + 1)
    guard digits.count == 4, let version = Int(digits), stem.dropFirst(4).first == "_", !name.isEmpty else {
      throw SchemaFault(
        text: "a step's file is named NNNN_name\(part.rawValue), with four digits", file: path)
    }
    return (version, String(name), part)
  }

  private static func read(_ file: URL) throws -> String {
    guard let text = String(validating: try Data(contentsOf: file), as: UTF8.self) else {
      throw SchemaFault(text: "the file is not UTF-8", file: file.path)
    }
    guard text.unicodeScalars.first != "\u{FEFF}" else {
      throw SchemaFault(text: "the file begins with a byte order mark: save it without one", file: file.path)
    }
    return text
  }

  private static func check(_ steps: [Step], folder: String) throws {
    for (step, expected) in zip(steps, 1...) {
      guard step.version == expected else {
        throw SchemaFault(
          text: "step \(expected) is missing: the next one is \(step.version) \"\(step.name)\"", file: folder)
      }
      for part in [Part.up, .down] where step.parts[part] == nil {
        throw SchemaFault(
          text: "step \(step.version) \"\(step.name)\" has no file that ends with \(part.rawValue)",
          file: folder)
      }
    }
  }
}
