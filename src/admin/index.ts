/** `botshelf/admin`: an HTTP API over what a bot stores, and its client. */
export { bearerToken, isSameSecret } from './bearer-token.ts'
export { AdminError, callBot } from './client.ts'
export type { AdminAccess, AdminErrorDetails, BotCallOptions } from './client.ts'
export { errorResponse } from './error-response.ts'
export type { ErrorResponseOptions } from './error-response.ts'
export { createAdminHandler } from './handler.ts'
export type { AdminHandler, AdminHandlerOptions, AuditRecord } from './handler.ts'
export {
  assertKnownFields,
  HttpError,
  jsonResponse,
  readJsonObject,
  readTextField,
} from './http.ts'
export type { JsonFields } from './http.ts'
export { remoteTarget } from './remote-target.ts'
export type { RemoteTargetOptions } from './remote-target.ts'
