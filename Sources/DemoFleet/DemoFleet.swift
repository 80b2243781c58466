// A small fleet of legacy agents' SQLite files, for the demo and for tests: every shape that the importer has to move.

import Foundation
import SQLite

/// Makes SQLite files as agents wrote them before there was AgentBase.
///
/// The same rows on every run and every machine: what a test counts once stays counted.
public enum DemoFleet {
  /// Makes the whole fleet below a folder, which is made where it is not there: nine files of nine agents (and of three
  /// more that share a file), a few hundred rows.
  ///
  /// - Returns: what is in them, file by file, in the order of their paths.
  /// - Throws: where a file of the fleet is there already, or cannot be written.
  public static func make(in folder: String) throws -> [DemoFile] {
    let shapes: [LegacyShape] = [
      .curator, .openmake, .librarian, .crawler, .router, .ideas, .analyst, .team, .chatbot,
    ]
    return try shapes.map { try $0.write(in: folder) }.sorted { $0.relativePath < $1.relativePath }
  }
}
