import PackagePlugin

@main
struct ImportLegacy: CommandPlugin {
  func performCommand(context: PluginContext, arguments: [String]) async throws {}
}
