// Has the SQL files of a target's folders postgres/ and sqlite/ written as Swift and compiled into the target.
//
// Bundle.module would trap in a binary that was moved. The writing is a command of the build, with the SQL
// files as its inputs, because a plugin itself is only asked again when files come or go, not when one is
// edited.

import Foundation
import PackagePlugin

@main
struct EmbedSchema: BuildToolPlugin {
  func createBuildCommands(context: PluginContext, target: any Target) throws -> [Command] {
    let folders = ["postgres", "sqlite"].map { target.directoryURL.appending(path: $0) }
    let inputs = folders.flatMap { folder in
      let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
      return names.filter { $0.hasSuffix(".sql") }.sorted().map { folder.appending(path: $0) }
    }
    let output = context.pluginWorkDirectoryURL.appending(path: "EmbeddedSchema.swift")
    return [
      .buildCommand(
        displayName: "Embedding \(inputs.count) SQL files into \(target.name)",
        executable: try context.tool(named: "SchemaEmbedder").url,
        arguments: [output.path] + folders.map(\.path), inputFiles: inputs, outputFiles: [output])
    ]
  }
}
