// Files that are no database, or no sound one: what an importer must say no to, and go on.

import Foundation
import SQLite

extension Breakers {
  /// A file that cannot be moved.
  public struct BrokenFile: Sendable, Hashable {
    /// Where it is, relative to the folder.
    public let relativePath: String
    /// What is wrong with it.
    public let about: String
    /// Whether there is anything in it that is lost when it is not moved.
    public let holdsData: Bool
  }

  /// Makes the broken files below a folder.
  public static func makeBroken(in folder: String) throws -> [BrokenFile] {
    let files = FileManager.default
    func path(_ name: String) throws -> String {
      let parent = folder + "/broken/" + name
      try files.createDirectory(atPath: parent, withIntermediateDirectories: true)
      return parent + "/memory.db"
    }
    func write(_ bytes: [UInt8], _ name: String) throws {
      try Data(bytes).write(to: URL(filePath: path(name)))
    }
    try files.createDirectory(atPath: path("folder"), withIntermediateDirectories: true)
    try write([], "empty")
    // What SQLCipher leaves: no header at all, every byte at random. The same ones on every run.
    var state: UInt32 = 4711
    let noise: [UInt8] = (0..<16_384).map { _ in
      state = state &* 1_664_525 &+ 1_013_904_223
      return UInt8(truncatingIfNeeded: state >> 24)
    }
    try write(noise, "encrypted")
    try write(Array("id,content\n1,text\n".utf8), "text")
    let sound = try soundBytes(in: folder)
    try write(Array(sound.prefix(sound.count / 2)), "cut")
    var corrupt = sound
    // Page 2 is the first of the first table.
    for place in 4096..<8192 where place < corrupt.count { corrupt[place] = 0xA5 }
    try write(corrupt, "corrupt")
    try write(Array(sound.prefix(60)), "header")
    return [
      BrokenFile(relativePath: "broken/folder/memory.db", about: "a directory", holdsData: false),
      BrokenFile(relativePath: "broken/empty/memory.db", about: "an empty file", holdsData: false),
      BrokenFile(relativePath: "broken/encrypted/memory.db", about: "an encrypted file", holdsData: true),
      BrokenFile(relativePath: "broken/text/memory.db", about: "a text file", holdsData: true),
      BrokenFile(
        relativePath: "broken/cut/memory.db", about: "a file without its second half", holdsData: true),
      BrokenFile(
        relativePath: "broken/corrupt/memory.db", about: "a file with a corrupt page", holdsData: true),
      BrokenFile(relativePath: "broken/header/memory.db", about: "half a header", holdsData: true),
    ]
  }

  /// The bytes of a sound file.
  private static func soundBytes(in folder: String) throws -> [UInt8] {
    let path = folder + "/broken/sound-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: path) }
    let connection = try SQLiteConnection(path: path)
    try connection.executeScript(
      """
      PRAGMA page_size = 4096;
      CREATE TABLE memory (id INTEGER PRIMARY KEY, content TEXT);
      WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)
        INSERT INTO memory SELECT i, 'content ' || i FROM n;
      """)
    return FileManager.default.contents(atPath: path).map { [UInt8]($0) } ?? []
  }
}
