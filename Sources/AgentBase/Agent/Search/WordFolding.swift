// From text to the words that are compared: the same in a memory and in a query, whatever the backend.

import Foundation

/// Folds text and cuts it into words.
///
/// Case, width and the diacritics of Latin, Greek, Cyrillic, Hebrew and Arabic do not count (`Café` is `cafe`). A word is letters
/// and digits in a row. Scripts that put no space between words (Han, kana, Thai and their like), Hangul, and symbols such as
/// emoji make a word of each character: a phrase of them is found wherever it stands.
enum WordFolding {
  /// Stands where phrases must not reach across, and where a word is left out. No word holds it.
  static let gap: [UInt8] = [0xEE, 0x80, 0x80]

  /// Whether a byte is an ASCII letter or digit, or a part of another character: what the runs are made of that are looked at as
  /// a whole.
  static func isInRun(_ byte: UInt8) -> Bool {
    byte >= 0x80 || (byte >= 0x61 && byte <= 0x7A) || (byte >= 0x30 && byte <= 0x39)
      || (byte >= 0x41 && byte <= 0x5A)
  }

  /// An ASCII letter in lower case; other bytes as they are.
  static func lowercased(_ byte: UInt8) -> UInt8 { byte >= 0x41 && byte <= 0x5A ? byte | 0x20 : byte }

  /// The words of a run that holds characters beyond ASCII.
  static func forEachWord(inRun run: String, _ body: (Substring.UnicodeScalarView) -> Void) {
    let folded = folded(run).unicodeScalars
    var start = folded.startIndex
    var index = start
    var kind = Kind.separator
    func end(_ place: String.UnicodeScalarView.Index) {
      if kind != .separator, start < place { body(folded[start..<place]) }
    }
    while index < folded.endIndex {
      let next = Kind(folded[index])
      switch (kind, next) {
      case (.word, .word), (.word, .mark), (.single, .mark): break
      default:
        end(index)
        start = index
        kind = next == .mark ? .word : next
      }
      index = folded.index(after: index)
    }
    end(folded.endIndex)
  }

  /// The text without case, width and diacritics, composed.
  private static func folded(_ text: String) -> String {
    // As bytes: scalars that are appended to a string one by one are copied again and again.
    var bytes: [UInt8] = []
    bytes.reserveCapacity(text.utf8.count + 16)
    for scalar in text.decomposedStringWithCompatibilityMapping.unicodeScalars where !isDropped(scalar) {
      // Through upper case: ß becomes ss, and the final sigma the one that it is.
      for upper in scalar.properties.uppercaseMapping.unicodeScalars {
        bytes.append(contentsOf: upper.properties.lowercaseMapping.utf8)
      }
    }
    // Hangul and kana, which were taken apart.
    return String(decoding: bytes, as: UTF8.self).precomposedStringWithCanonicalMapping
  }

  /// Diacritics, vowel points, variation selectors and joiners. The marks of other scripts are letters in all but name.
  private static func isDropped(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0x300...0x36F, 0x1AB0...0x1AFF, 0x1DC0...0x1DFF, 0x20D0...0x20FF, 0xFE00...0xFE0F, 0xFE20...0xFE2F,
      0x591...0x5BD, 0x5BF, 0x5C1, 0x5C2, 0x5C4, 0x5C5, 0x5C7, 0x610...0x61A, 0x640, 0x64B...0x65F, 0x670,
      0x200C, 0x200D, 0xAD:
      true
    default: false
    }
  }

  /// What a character is to words.
  private enum Kind {
    case word, mark, single, separator

    init(_ scalar: Unicode.Scalar) {
      switch scalar.value {
      case ..<0x80: self = WordFolding.isInRun(UInt8(scalar.value)) ? .word : .separator
      // Thai and Lao, Myanmar, Khmer, Hangul, and the kana: below, with the ideographs.
      case 0xE00...0xEFF, 0x1000...0x109F, 0x1780...0x17FF, 0xAC00...0xD7A3, 0x3041...0x30FF,
        0x31F0...0x31FF:
        switch scalar.properties.generalCategory {
        case .nonspacingMark, .spacingMark: self = .mark
        case .otherPunctuation, .connectorPunctuation, .dashPunctuation, .currencySymbol: self = .separator
        default: self = .single
        }
      default:
        switch scalar.properties.generalCategory {
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .decimalNumber,
          .letterNumber, .otherNumber:
          self = .word
        case .otherLetter: self = scalar.properties.isIdeographic ? .single : .word
        case .nonspacingMark, .spacingMark, .enclosingMark: self = .mark
        case .otherSymbol: self = .single
        default: self = .separator
        }
      }
    }
  }
}
