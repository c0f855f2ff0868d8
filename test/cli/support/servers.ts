import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer, type RequestListener } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import type { AddressInfo, Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { onTestFinished } from 'vitest'

/** A self-signed certificate for `localhost`, made by OpenSSL. */
export interface Certificate {
  readonly key: Buffer
  readonly cert: Buffer
  /** The file of the certificate, for NODE_EXTRA_CA_CERTS. */
  readonly file: string
  remove(): Promise<void>
}

/** Creates a {@link Certificate}. */
export async function createCertificate(): Promise<Certificate> {
  const folder = await mkdtemp(join(tmpdir(), 'botshelf-certificate-'))
  const [key, file] = [join(folder, 'key.pem'), join(folder, 'cert.pem')]
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  const name = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost']
  const options = [...curve, '-keyout', key, '-out', file, '-days', '2', ...name]
  await promisify(execFile)('openssl', ['req', '-x509', ...options])
  return {
    key: await readFile(key),
    cert: await readFile(file),
    file,
    remove: () => rm(folder, { recursive: true }),
  }
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
