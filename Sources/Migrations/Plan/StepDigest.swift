// A short name for the text of a step.

internal import CCrypto
internal import Glibc

/// The digest of a text: SHA-256 in 64 hexadecimal digits (libcrypto).
enum StepDigest {
  static func of(_ text: String) -> String {
    var digest = [UInt8](repeating: 0, count: 32)
    var text = text
    let isDone = text.withUTF8 { bytes in
      unsafe EVP_Digest(bytes.baseAddress, bytes.count, &digest, nil, EVP_sha256(), nil) == 1
    }
    precondition(isDone, "libcrypto has no memory left")
    return digest.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
  }
}

/// Who runs the steps, as the audit line says: the user and the machine.
enum StepRunner {
  static let name: String = {
    var buffer = [CChar](repeating: 0, count: 256)
    let isKnown = unsafe gethostname(&buffer, buffer.count - 1) == 0
    let host =
      isKnown ? String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self) : "?"
    let user =
      unsafe getpwuid(geteuid()).map { unsafe String(cString: $0.pointee.pw_name) } ?? String(geteuid())
    return "\(user)@\(host)"
  }()
}
