// The manifest of a backup: which files, how long, with what digests.

internal import AgentBase
internal import Foundation

/// What `Discovery.backupMarker` holds: it marks the folder as a backup, and tells what must be in it.
struct BackupManifest {
  static let format = "agentbase sqlite backup 1"

  var date: String
  var files: [BackupReport.File]

  /// Where the manifest of a backup is.
  static func path(in folder: String) -> String { folder + "/" + Discovery.backupMarker }

  /// Reads the manifest of a backup.
  init(readingFrom folder: String) throws(ImportError) {
    let path = Self.path(in: folder)
    guard let data = FileManager.default.contents(atPath: path) else {
      throw ImportError(
        .source, "\(folder) is no backup: \(Discovery.backupMarker) is missing or cannot be read",
        advice: "give the folder that agentbase backup wrote with --from")
    }
    let damaged = ImportError(
      .source, "\(path) is damaged",
      advice: "copy the .db files by hand, and check them with agentbase doctor")
    guard let json = try? JSON(parsing: Array(data)), json["format"]?.stringValue == Self.format,
      let date = json["date"]?.stringValue, case .array(let entries) = json["files"]
    else { throw damaged }
    self.date = date
    files = []
    for entry in entries {
      guard let file = BackupReport.File(entry), Self.isInside(file.path) else { throw damaged }
      files.append(file)
    }
  }

  init(date: Date, files: [BackupReport.File]) {
    self.date = date.formatted(.iso8601)
    self.files = files
  }

  var text: String {
    let json: JSON = [
      "format": .string(Self.format), "date": .string(date), "files": .array(files.map(\.json)),
    ]
    return json.text + "\n"
  }

  /// Whether a relative path stays below its folder.
  private static func isInside(_ path: String) -> Bool {
    let parts = path.split(separator: "/", omittingEmptySubsequences: false)
    return !parts.contains { $0.isEmpty || $0 == "." || $0 == ".." } && !path.utf8.contains(0)
  }

  /// `20240115T103000Z`.
  static func compactTime(_ date: Date) -> String {
    date.formatted(
      .iso8601.year().month().day().dateSeparator(.omitted).time(includingFractionalSeconds: false)
        .timeSeparator(.omitted)) + "Z"
  }
}

extension BackupReport.File {
  init?(_ json: JSON) {
    guard let path = json["path"]?.stringValue, let bytes = json["bytes"]?.int64Value,
      let digest = json["sha256"]?.stringValue
    else { return nil }
    self.init(path: path, bytes: bytes, sha256: digest)
  }
}
