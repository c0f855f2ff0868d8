import { HttpError } from './http.ts'

/**
 * Creates an `authorize` function that lets requests with `authorization: Bearer <token>` through. It
 * compares in constant time.
 *
 * The function throws HttpError 401 for a missing or wrong token. Without a configured token
 * (`undefined` or empty) it throws 404, as if the admin API did not exist.
 *
 * @example
 * const authorize = bearerAuth(env.ADMIN_TOKEN)
 * await authorize(request) // true, or it throws
 */
export function bearerAuth(token: string | undefined): (request: Request) => Promise<true> {
  return async (request) => {
    if (token === undefined || token === '') throw createNotFoundError()
    const header = request.headers.get('authorization') ?? ''
    const [, given] = /^bearer +(.+)$/i.exec(header) ?? []
    if (given === undefined) {
      throw createUnauthorizedError('Send the header "authorization: Bearer <admin token>".')
    }
    if (await isSameSecret(given, token)) return true
    throw createUnauthorizedError('The token is not the admin token of this bot.')
  }
}

/** Creates the error for a path that has no route. */
export function createNotFoundError(): HttpError {
  return new HttpError(404, 'Not found.')
}

/** Creates the error for a request without valid credentials. */
export function createUnauthorizedError(message: string): HttpError {
  return new HttpError(401, message, { 'www-authenticate': 'Bearer' })
}

/**
 * Compares two secrets. The time it takes does not depend on how much of them is equal: it compares
 * all bytes of their SHA-256 digests.
 */
export async function isSameSecret(one: string, other: string): Promise<boolean> {
  const [a, b] = await Promise.all([digest(one), digest(other)])
  let difference = 0
  for (const [index, byte] of a.entries()) difference |= byte ^ (b[index] as number)
  return difference === 0
}

async function digest(text: string): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text)))
}
