// The version of a memory that nobody has counted.

import CCrypto

/// A digest of a memory: the same for a row of a legacy file and for what an import makes of it.
enum MemoryDigest {
  /// A negative number, made of the value and the metadata: 63 bits of SHA-256.
  static func version(value: JSON, metadata: JSONObject) -> Int64 {
    // Neither text holds a line feed: JSON escapes it.
    var text = value.jsonbText + "\n" + JSON.object(metadata).jsonbText
    var digest = [UInt8](repeating: 0, count: 32)
    let isMade = text.withUTF8 { bytes in
      unsafe EVP_Digest(bytes.baseAddress, bytes.count, &digest, nil, EVP_sha256(), nil) == 1
    }
    // libcrypto fails where memory has run out, which Swift itself does not survive.
    precondition(isMade, "libcrypto has no memory left")
    let bits = digest.prefix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    return Int64(bitPattern: bits | 1 << 63)
  }
}
