import { readFile } from 'node:fs/promises'
import { createServer, type RequestListener } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import type { AddressInfo, Server } from 'node:net'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'

/** A certificate and its key. */
export interface Certificate {
  readonly key: Buffer
  readonly cert: Buffer
  /** The file of the certificate, for NODE_EXTRA_CA_CERTS. */
  readonly file: string
}

/**
 * Reads a self-signed certificate for `localhost`, valid to 2126. It was made by: openssl req -x509
 * -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout localhost-key.pem -out
 * localhost-cert.pem -days 36500 -subj /CN=localhost -addext subjectAltName=DNS:localhost
 */
export async function readCertificate(): Promise<Certificate> {
  const file = fileURLToPath(new URL('../fixtures/localhost-cert.pem', import.meta.url))
  const key = await readFile(new URL('../fixtures/localhost-key.pem', import.meta.url))
  return { key, cert: await readFile(file), file }
}

/** Starts a server until the end of the test and resolves to its port. */
export async function listen(server: Server): Promise<number> {
  onTestFinished(() => {
    if ('closeAllConnections' in server) (server.closeAllConnections as () => void)()
    server.close()
  })
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port))
  })
}

/** Starts an HTTP server until the end of the test and resolves to its URL. */
export async function serve(listener: RequestListener): Promise<string> {
  return `http://127.0.0.1:${await listen(createServer(listener))}/`
}

/** Starts an HTTPS server on `localhost` until the end of the test and resolves to its port. */
export function serveSecurely(
  certificate: Certificate,
  listener: RequestListener,
): Promise<number> {
  return listen(createSecureServer(certificate, listener))
}
