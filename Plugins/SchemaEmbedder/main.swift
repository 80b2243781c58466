// The tool of the plugin EmbedSchema: SchemaEmbedder OUTPUT.swift FOLDER...
//
// Each folder of SQL files becomes a static list of steps that has the folder's name.

import Foundation

do {
  let folders = CommandLine.arguments.dropFirst(2).map { URL(filePath: $0) }
  var source = "// Written by EmbedSchema from the SQL files. Do not edit.\n\nenum EmbeddedSchema {\n"
  for folder in folders {
    source += SwiftSource.list(named: folder.lastPathComponent, of: try SQLFiles(in: folder).steps)
  }
  source += "}\n"
  try write(source, to: CommandLine.arguments[1])
} catch let fault as SchemaFault {
  try FileHandle.standardError.write(contentsOf: Data("\(fault.file): error: \(fault.text)\n".utf8))
  exit(1)
}

/// Writes the file unless it is the same already, at least a second after the last time.
///
/// The compiler's driver tells an edited file by the second, and would keep the old one after two builds in one.
private func write(_ source: String, to path: String) throws {
  let files = FileManager.default
  let last = try? files.attributesOfItem(atPath: path)[.modificationDate] as? Date
  if last != nil, try String(contentsOfFile: path, encoding: .utf8) == source { return }
  try source.write(toFile: path, atomically: true, encoding: .utf8)
  let time = max(Date(), last?.addingTimeInterval(1) ?? .distantPast)
  try files.setAttributes([.modificationDate: time], ofItemAtPath: path)
}
