import { HttpError } from './reply.ts'

/**
 * The body of a request as a JSON object. At most `maxBytes` are read, whatever the request says of
 * its length.
 *
 * @throws HttpError 415, 413, or 400
 */
export async function readJsonObject(
  request: Request,
  maxBytes: number,
): Promise<Readonly<Record<string, unknown>>> {
  const type = request.headers.get('content-type')?.toLowerCase() ?? ''
  if (!/^\s*application\/json\s*(;\s*charset="?utf-8"?\s*)?$/.test(type)) {
    throw new HttpError(
      415,
      'Send JSON in UTF-8, with the header "content-type: application/json".',
    )
  }
  const text = await readText(request, maxBytes)
  let body: unknown
  try {
    body = JSON.parse(text)
  } catch {
    throw new HttpError(400, 'The body is not JSON.')
  }
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw new HttpError(400, 'The body must be a JSON object.')
  }
  return body as Record<string, unknown>
}

async function readText(request: Request, maxBytes: number): Promise<string> {
  const tooLarge = new HttpError(413, `The body is too large: at most ${maxBytes} bytes are read.`)
  if (Number(request.headers.get('content-length')) > maxBytes) throw tooLarge
  const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: false })
  const reader = request.body?.getReader()
  let text = ''
  let bytes = 0
  try {
    for (;;) {
      const { done, value } = (await reader?.read()) ?? { done: true, value: undefined }
      if (done) return text + utf8.decode()
      bytes += value.byteLength
      if (bytes > maxBytes) throw tooLarge
      text += utf8.decode(value, { stream: true })
    }
  } catch (error) {
    await reader?.cancel().catch(() => {})
    if (error instanceof TypeError) throw new HttpError(400, 'The body is not UTF-8 text.')
    throw error
  }
}
