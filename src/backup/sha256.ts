/** Resolves to the SHA-256 of bytes, in hexadecimal. */
export async function sha256Hex(bytes: Uint8Array): Promise<string> {
  const hash = new Uint8Array(
    await crypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>),
  )
  return Array.from(hash, (byte) => byte.toString(16).padStart(2, '0')).join('')
}

/**
 * Like {@link sha256Hex}; `undefined` in a page over plain HTTP, because WebCrypto needs a secure context
 * there.
 */
export async function sha256IfAvailable(bytes: Uint8Array): Promise<string | undefined> {
  const { subtle } = crypto as { readonly subtle?: SubtleCrypto }
  return subtle === undefined ? undefined : sha256Hex(bytes)
}
