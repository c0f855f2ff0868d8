import { HttpError } from './reply.ts'

/**
 * Does the request show the operator's token? `false` if it shows none, or if none is configured.
 *
 * @throws HttpError 401 if it shows a wrong one
 */
export async function isOperator(request: Request, token: string | undefined): Promise<boolean> {
  const shown = request.headers.get('authorization')
  if (shown === null || !hasToken(token)) return false
  const [, given] = /^bearer +(.+)$/i.exec(shown) ?? []
  if (given !== undefined && (await isSame(given, token))) return true
  throw unauthorized('The token is wrong.')
}

/**
 * Lets only the operator through.
 *
 * @throws HttpError 404 if no token is configured: then there is nothing here; 401
 */
export async function operatorOnly(request: Request, token: string | undefined): Promise<void> {
  if (!hasToken(token)) throw notFound()
  if (!(await isOperator(request, token))) throw unauthorized("This needs the operator's token.")
}

export function notFound(): HttpError {
  return new HttpError(404, 'There is nothing here.')
}

/** Is a token configured: is there an operator at all? */
export function hasToken(token: string | undefined): token is string {
  return token !== undefined && token !== ''
}

function unauthorized(sentence: string): HttpError {
  return new HttpError(401, sentence, { 'www-authenticate': 'Bearer' })
}

/**
 * Are two secrets the same? How long it takes does not tell how much of one was right: digests have
 * one length, and all their bytes are compared.
 */
export async function isSame(given: string, token: string): Promise<boolean> {
  const [a, b] = await Promise.all([digest(given), digest(token)])
  let difference = 0
  for (const [index, byte] of a.entries()) difference |= byte ^ (b[index] as number)
  return difference === 0
}

async function digest(text: string): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text)))
}
