// The tools of an agent.

extension AgentOperations {
  /// Registers a tool, or changes the one of this name; its uses go on counting.
  @concurrent public func registerTool(
    _ name: String, description: String? = nil, configuration: some Encodable & Sendable = JSON.object([:]),
    metadata: JSONObject = [:], isEnabled: Bool = true
  ) async throws {
    try await withStore(key: name) { store in
      try StoredLimits.check(name, "tool's name", with: id)
      try StoredLimits.checkText(description, "tool's description")
      try JSONLimits.check(.object(metadata))
      try await store.register(
        ToolDraft(
          name: name, description: description,
          configurationText: try MemoryValue.storedText(of: configuration), metadata: metadata,
          isEnabled: isEnabled))
    }
  }

  /// The tools, by the bytes of their names.
  ///
  /// - Parameter enabledOnly: leaves out those that are switched off.
  @concurrent public func tools(enabledOnly: Bool = false) async throws -> [AgentTool] {
    try await withStore { store in
      let tools = try await store.tools()
      return enabledOnly ? tools.filter(\.isEnabled) : tools
    }
  }

  /// The tool of this name; nil where there is none.
  @concurrent public func tool(_ name: String) async throws -> AgentTool? {
    try await withStore(key: name) { store in
      name.utf8.contains(0) ? nil : try await store.tool(named: name)
    }
  }

  /// Switches a tool on or off.
  ///
  /// - Throws: `AgentBaseError` of the code `unknownTool` where there is no such tool.
  @concurrent public func setTool(_ name: String, isEnabled: Bool) async throws {
    try await withStore(key: name) { store in
      try Self.require(
        name.utf8.contains(0) ? false : try await store.setTool(name, isEnabled: isEnabled))
    }
  }

  /// Removes a tool.
  ///
  /// - Returns: whether there was one.
  @discardableResult
  @concurrent public func deleteTool(_ name: String) async throws -> Bool {
    try await withStore(key: name) { store in
      name.utf8.contains(0) ? false : try await store.deleteTool(named: name)
    }
  }

  static func require(_ isThere: Bool) throws(AgentBaseError) {
    guard !isThere else { return }
    throw AgentBaseError(
      .unknownTool, "there is no tool of this name", advice: "Register it first with registerTool.")
  }
}
