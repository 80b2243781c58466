// A tool that an agent has registered.

public import Foundation

/// A tool of an agent.
public struct AgentTool: Sendable {
  /// The name, which the agent knows it by.
  public var name: String
  /// What it does, in words.
  public var description: String?
  /// How it is called and set up. Of a legacy tool, its column `configuration` or `config`, else its whole row.
  public var configuration: JSON
  /// What else is kept with it.
  public var metadata: JSONObject
  /// Whether it may be used.
  public var isEnabled: Bool
  /// How many uses were recorded.
  public var usageCount: Int64
  /// How many of them were recorded to have gone well.
  public var successCount: Int64
  /// How many of them were recorded to have failed.
  public var failureCount: Int64
  /// When it was used last; nil where it never was, or a legacy row does not say.
  public var lastUsedAt: Date?
  /// When it was registered first; nil where a legacy row does not say.
  public var createdAt: Date?
  /// When it was registered, switched or used last; nil where a legacy row does not say.
  public var updatedAt: Date?
  /// Whether it came from a legacy file by an import.
  public var isImported: Bool
  /// How many uses were recorded with their duration.
  var timedCount: Int64
  /// How long those took together, in milliseconds.
  var timedMilliseconds: Double

  /// The part of the uses that went well, from 0 to 1, of those whose outcome is known; nil where none is.
  public var successRate: Double? {
    let known = Double(successCount) + Double(failureCount)
    return known > 0 ? Double(successCount) / known : nil
  }

  /// How long a use took on average, in milliseconds, of those whose duration is known; nil where none is.
  public var averageDurationMilliseconds: Double? {
    timedCount > 0 ? timedMilliseconds / Double(timedCount) : nil
  }
}

extension AgentTool {
  /// A tool with its counts.
  init(
    name: String, description: String?, configuration: JSON, metadata: JSONObject, isEnabled: Bool,
    _ counts: ToolCounts, createdAt: Date?, updatedAt: Date?, isImported: Bool
  ) {
    self.init(
      name: name, description: description, configuration: configuration, metadata: metadata,
      isEnabled: isEnabled, usageCount: counts.uses, successCount: counts.successes,
      failureCount: counts.failures,
      lastUsedAt: counts.lastUsed.map { Timestamp(microseconds: $0).date }, createdAt: createdAt,
      updatedAt: updatedAt, isImported: isImported, timedCount: counts.timed,
      timedMilliseconds: counts.milliseconds)
  }
}

/// A tool on its way into a store, checked.
struct ToolDraft: Sendable {
  var name: String
  var description: String?
  /// JSON in jsonb's spelling.
  var configurationText: String
  var metadata: JSONObject
  var isEnabled: Bool
}

extension ToolDraft {
  /// What a tool is, to be stored again.
  init(copyOf tool: AgentTool) {
    self.init(
      name: tool.name, description: tool.description, configurationText: tool.configuration.jsonbText,
      metadata: tool.metadata, isEnabled: tool.isEnabled)
  }
}

/// What is counted of a tool's uses.
struct ToolCounts: Sendable {
  var uses: Int64 = 0
  var successes: Int64 = 0
  var failures: Int64 = 0
  var timed: Int64 = 0
  var milliseconds = 0.0
  /// Microseconds since 1970 UTC.
  var lastUsed: Int64?
}

extension ToolCounts {
  /// The counts of a tool; none of one that is not there.
  init(of tool: AgentTool?) {
    guard let tool else {
      self.init()
      return
    }
    self.init(
      uses: tool.usageCount, successes: tool.successCount, failures: tool.failureCount,
      timed: tool.timedCount, milliseconds: tool.timedMilliseconds,
      lastUsed: tool.lastUsedAt.flatMap { Timestamp($0)?.microseconds })
  }

  /// These, and those of another; the greatest number there is stands for all that are greater.
  func adding(_ other: ToolCounts) -> ToolCounts {
    func sum(_ left: Int64, _ right: Int64) -> Int64 {
      let sum = left.addingReportingOverflow(right)
      return sum.overflow ? .max : sum.partialValue
    }
    return ToolCounts(
      uses: sum(uses, other.uses), successes: sum(successes, other.successes),
      failures: sum(failures, other.failures), timed: sum(timed, other.timed),
      milliseconds: milliseconds + other.milliseconds, lastUsed: other.lastUsed ?? lastUsed)
  }
}
