import type { AuditRecord } from 'botshelf/admin'
import { clientOf } from './client.ts'

// Cloudflare keeps 256 KB of a request's log. These limits keep a line below that, even if every
// character of it is escaped.
const MAX_NAME_CHARACTERS = 80
const MAX_KEYS = 20
const MAX_NAMESPACES = 20

/** The keys of a namespace that a log line names. */
interface LoggedNamespace {
  readonly set: string[]
  readonly removed: string[]
  /** How many keys it leaves out. */
  more?: number
}

/**
 * Logs one line of JSON, without values: who changed which entries of which storage, and when. It
 * names at most 20 keys of each of at most 20 namespaces, with 80 characters each; `more` and
 * `moreNamespaces` count the others.
 */
export function logChange(record: AuditRecord, request: Request): void {
  const { kind, storage, changes, outcome, code } = record
  const byNamespace = groupByName(changes)
  const named = [...byNamespace].slice(0, MAX_NAMESPACES)
  const moreNamespaces = byNamespace.size - named.length
  const line = {
    audit: kind,
    at: new Date().toISOString(),
    client: clientOf(request),
    storage,
    // Unlike an assignment, Object.fromEntries makes `__proto__` an own property.
    namespaces: Object.fromEntries(named.map(([name, keys]) => [name, listKeys(keys)])),
    ...(moreNamespaces > 0 ? { moreNamespaces } : {}),
    outcome,
    code,
  }
  console.log(onOneLine(JSON.stringify(line)))
}

/** Groups changes by namespace and key; the value says whether the entry is removed. */
function groupByName(
  changes: AuditRecord['changes'],
): ReadonlyMap<string, ReadonlyMap<string, boolean>> {
  const byNamespace = new Map<string, Map<string, boolean>>()
  for (const change of changes) {
    const name = truncate(change.namespace)
    const keys = byNamespace.get(name) ?? new Map<string, boolean>()
    byNamespace.set(name, keys.set(change.key, 'remove' in change))
  }
  return byNamespace
}

function listKeys(keys: ReadonlyMap<string, boolean>): LoggedNamespace {
  const logged: LoggedNamespace = { set: [], removed: [] }
  for (const [key, isRemoved] of [...keys].slice(0, MAX_KEYS)) {
    logged[isRemoved ? 'removed' : 'set'].push(truncate(key))
  }
  if (keys.size > MAX_KEYS) logged.more = keys.size - MAX_KEYS
  return logged
}

function truncate(name: string): string {
  if (name.length <= MAX_NAME_CHARACTERS) return name
  return `${name.slice(0, MAX_NAME_CHARACTERS - 1)}…`
}

// JSON does not escape some characters that terminals and log readers treat as line ends.
function onOneLine(json: string): string {
  return json.replaceAll(
    /[\u007f-\u009f\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
