/** `botshelf/admin`: an HTTP API for the stored entries of a bot, and its client. */
export { bearerAuth, isSameSecret } from './bearer-auth.ts'
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
  parseTextField,
} from './http.ts'
export type { JsonFields } from './http.ts'
export { remoteTarget } from './remote-target.ts'
export type { RemoteTargetOptions } from './remote-target.ts'
