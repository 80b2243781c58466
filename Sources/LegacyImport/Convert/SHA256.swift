// SHA-256 through libcrypto: the digests of identities and of the ledger.

import CCrypto

/// A running SHA-256 (FIPS 180-4). Owns libcrypto's context, which never leaves it.
@safe struct SHA256: ~Copyable {
  private let context: OpaquePointer

  /// An empty digest. libcrypto answers no context only when memory has run out, which Swift itself does not survive.
  init() {
    guard let context = unsafe EVP_MD_CTX_new() else { preconditionFailure("libcrypto has no memory left") }
    unsafe self.context = context
    restart()
  }

  deinit { unsafe EVP_MD_CTX_free(context) }

  /// Adds bytes.
  func update(_ bytes: UnsafeRawBufferPointer) {
    _ = unsafe EVP_DigestUpdate(context, bytes.baseAddress, bytes.count)
  }

  /// Adds bytes.
  func update(_ bytes: some Sequence<UInt8>) {
    if bytes.withContiguousStorageIfAvailable({ unsafe update(UnsafeRawBufferPointer($0)) }) == nil {
      unsafe Array(bytes).withUnsafeBytes { unsafe update($0) }
    }
  }

  /// Adds an integer, eight bytes, the highest first.
  func update(_ value: Int64) {
    unsafe withUnsafeBytes(of: value.bigEndian) { unsafe update($0) }
  }

  /// The 32 bytes of the digest; it is empty again afterwards.
  func finish() -> [UInt8] {
    let digest = unsafe [UInt8](unsafeUninitializedCapacity: 32) { buffer, count in
      _ = unsafe EVP_DigestFinal_ex(context, buffer.baseAddress, nil)
      count = 32
    }
    restart()
    return digest
  }

  private func restart() {
    _ = unsafe EVP_DigestInit_ex(context, EVP_sha256(), nil)
  }
}
