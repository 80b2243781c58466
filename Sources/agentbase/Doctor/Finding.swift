// What doctor found of one thing.

internal import AgentBase

/// One thing that was looked at.
struct Finding: Sendable {
  enum State: String, Sendable {
    case ok
    /// Works, but the user should know.
    case note
    case fault
  }

  let state: State
  /// The thing: server, rights, schema, a file.
  let subject: String
  /// What was found.
  let message: String
  /// What to do.
  var advice: String?

  static func ok(_ subject: String, _ message: String) -> Finding {
    Finding(state: .ok, subject: subject, message: message)
  }

  static func note(_ subject: String, _ message: String, advice: String? = nil) -> Finding {
    Finding(state: .note, subject: subject, message: message, advice: advice)
  }

  static func fault(_ subject: String, _ message: String, advice: String?) -> Finding {
    Finding(state: .fault, subject: subject, message: message, advice: advice)
  }

  var json: JSON {
    [
      "state": .string(state.rawValue), "subject": .string(subject), "message": .string(message),
      "advice": advice.map(JSON.string) ?? .null,
    ]
  }
}
