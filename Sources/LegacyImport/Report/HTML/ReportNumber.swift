// Numbers as a report's page prints them.

/// Durations and rates in the shortest form that says enough.
enum ReportNumber {
  /// `0.04 s`, `7.3 s`, `4 min 05 s`, `2 h 03 min`.
  static func seconds(_ seconds: Double) -> String {
    let seconds = max(0, seconds)
    if seconds < 0.005 { return "0 s" }
    if seconds < 1 { return "\(decimal(seconds, places: 2)) s" }
    if seconds < 60 { return "\(decimal(seconds, places: 1)) s" }
    let all = Int(min(seconds.rounded(), 1e9))
    let twoDigits = { (number: Int) in (number < 10 ? "0" : "") + String(number) }
    return all < 3600
      ? "\(all / 60) min \(twoDigits(all % 60)) s"
      : "\((all / 3600).withSeparators) h \(twoDigits(all / 60 % 60)) min"
  }

  /// A moment of a run on an axis: in milliseconds where the whole run is short.
  static func mark(_ moment: Double, of run: Double) -> String {
    run < 1 ? "\(Int((max(0, moment) * 1000).rounded())) ms" : seconds(moment)
  }

  /// `0`, `250`, `2.5k`, `40k`, `1.2M`: for the marks of an axis.
  static func short(_ number: Double) -> String {
    for (unit, name) in [(1e9, "G"), (1e6, "M"), (1e3, "k")] where number >= unit {
      return shortest(number / unit) + name
    }
    return shortest(number)
  }

  /// The number with a place behind the point where it has one.
  private static func shortest(_ number: Double) -> String {
    let text = decimal(number, places: number < 10 ? 2 : 1)
    guard text.contains(".") else { return text }
    let bare = text.reversed().drop { $0 == "0" }
    return String(String(bare.first == "." ? bare.dropFirst() : bare).reversed())
  }

  /// The number with so many places behind the point, whatever the locale.
  private static func decimal(_ number: Double, places: Int) -> String {
    let scale = places == 2 ? 100 : 10
    let all = Int((number * Double(scale)).rounded())
    let rest = String(all % scale)
    return "\(all / scale)." + String(repeating: "0", count: places - rest.count) + rest
  }
}

extension Int {
  /// The number with thousands set apart by commas.
  var withSeparators: String {
    let digits = String(magnitude)
    var text = self < 0 ? "-" : ""
    for (place, digit) in digits.enumerated() {
      if place > 0, (digits.count - place).isMultiple(of: 3) { text.append(",") }
      text.append(digit)
    }
    return text
  }

  /// "1 row", "1,200 rows".
  func of(_ noun: String) -> String { "\(withSeparators) \(noun)\(self == 1 ? "" : "s")" }
}
