// swift package import-legacy …: builds agentbase and runs `agentbase import …`.
//
// The program is built through the package manager instead of being a dependency of the plugin, which would
// compile all of it a second time.

import Foundation
import PackagePlugin

@main
struct ImportLegacy: CommandPlugin {
  func performCommand(context: PluginContext, arguments: [String]) async throws {
    var parameters = PackageManager.BuildParameters(configuration: .release)
    // The compiler's warnings and the import's own output do not belong together.
    parameters.logging = .concise
    let build = try packageManager.build(.product("agentbase"), parameters: parameters)
    guard build.succeeded else { throw ImportFault(text: "agentbase does not build:\n\(build.logText)") }
    guard let program = build.builtArtifacts.first(where: { $0.kind == .executable }) else {
      throw ImportFault(text: "the build made no agentbase")
    }

    let process = Process()
    process.executableURL = program.url
    process.arguments = ["import"] + arguments
    let user = UserStreams()
    process.standardInput = user.input
    process.standardOutput = user.output
    let relay = Pipe()
    process.standardError = user.errors ?? relay.fileHandleForWriting
    try process.run()
    try relay.fileHandleForWriting.close()
    while case let text = relay.fileHandleForReading.availableData, !text.isEmpty {
      // A remark would only be shown with --verbose.
      Diagnostics.warning(String(decoding: text, as: UTF8.self).trimmingCharacters(in: .newlines))
    }
    process.waitUntilExit()
    // A plugin can only fail with exit code 1; the line says what the import's own was.
    guard process.terminationReason == .exit else {
      throw ImportFault(text: "agentbase import was ended by signal \(process.terminationStatus)")
    }
    switch process.terminationStatus {
    case 0: return
    case 2: throw ImportFault(text: "agentbase import: wrong usage (exit code 2)")
    case 3: throw ImportFault(text: "agentbase import: done, with rows rejected (exit code 3)")
    case 4: throw ImportFault(text: "agentbase import: verification found a difference (exit code 4)")
    case let code: throw ImportFault(text: "agentbase import failed (exit code \(code))")
    }
  }
}

/// Why the import did not run or did not succeed.
struct ImportFault: Error, CustomStringConvertible {
  let text: String

  var description: String { text }
}
