import { StoreError } from '../../src/errors.ts'

/** Where a session is stored. */
export interface SessionLocation {
  readonly namespace: string
  readonly key: string
}

/**
 * Creates the error for fields that two updates changed.
 *
 * @param fields the names of the fields; none: the whole session
 */
export function mergeConflict(fields: readonly string[], location: SessionLocation): StoreError {
  const names = fields.map((field) => `session.${field}`).join(', ') || 'the session'
  return new StoreError(
    'CONFLICT',
    `Another update changed ${names} while this one was handled, so the changes of this one are not stored. Deliver it again, as Telegram does if the webhook answers 500; or name how to combine the fields in options.merge, or wrap the handler in pure().`,
    location,
  )
}

/** Creates the error for a change of an object that is no longer part of `ctx.session`. */
export function lateChange(location: SessionLocation): StoreError {
  return new StoreError(
    'CONFLICT',
    'A handler changed an object of a session that pure() had replaced, so the change is not stored. Read ctx.session again after next().',
    location,
  )
}

/** Creates the error for the use of `ctx.session` by an update without a session key. */
export function missingKey(namespace: string): StoreError {
  return new StoreError(
    'INVALID_KEY',
    'ctx.session needs a session key; getSessionKey() returned undefined for this update. By default only an update of a chat has a key: do not use ctx.session for others, or set getSessionKey.',
    { namespace },
  )
}

/** Creates the error for a second `session()`, of this bridge or of grammY. */
export function secondSession(namespace: string): StoreError {
  return new StoreError(
    'INVALID_VALUE',
    'A bot needs one session(); another one has defined ctx.session for this update. Remove one of them, and keep further data in a field of the session or with store.update() in a handler.',
    { namespace },
  )
}
