// How a base, a namespace or a key is written into a key of unstorage. Lower case letters and digits
// stay, every other byte of UTF-8 becomes `_` and two hexadecimal digits, and `-` ends the text. So no
// part is empty, `.`, `..` or a reserved name of Windows, and two parts never differ in case only.
// Drivers turn `:` into a folder, and file systems limit a name to 255 bytes, so `:` also splits long
// texts. The name of a file ends with `-` and that of a folder in a text does not, so they never collide.

const MAX_CHUNK_LENGTH = 200

/** Encodes a text as a part of a key. */
export function encodePart(text: string): string {
  let encoded = ''
  for (const byte of new TextEncoder().encode(text)) {
    const char = String.fromCharCode(byte)
    encoded += /[a-z0-9]/.test(char) ? char : `_${byte.toString(16).padStart(2, '0')}`
  }
  return `${encoded.replace(CHUNK, '$&:')}-`
}

const CHUNK = new RegExp(`.{${MAX_CHUNK_LENGTH}}`, 'g')

/** Reverses {@link encodePart}. Returns `undefined` for anything else, such as a file of others. */
export function decodePart(part: string): string | undefined {
  try {
    const text = decodeURIComponent(part.slice(0, -1).replaceAll(':', '').replaceAll('_', '%'))
    return encodePart(text) === part ? text : undefined
  } catch {
    return undefined
  }
}
