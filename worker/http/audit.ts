// Each is cut, so that a line stays under the 256 KB that Cloudflare keeps of a request's log,
// even if every character of it is escaped.
const MOST_CHARACTERS = 80
const MOST_KEYS = 20
const MOST_NAMESPACES = 20

/** A change as it is audited: by its names alone. */
export interface AuditedChange {
  readonly namespace: string
  readonly key: string
  /** Is the entry removed? Else it is set. */
  readonly remove?: true
}

/** What an operator had done, or tried to. */
export interface AuditLine {
  readonly audit: 'set' | 'merge' | 'restore'
  /** Whom it came from, as `clientOf` says. */
  readonly client: string
  /** The storage, by its name in the configuration. */
  readonly storage: string | undefined
  /** Of two that name the same entry the last one counts. */
  readonly changes: Iterable<AuditedChange>
  /** Of a change that `failed` some may be made. */
  readonly outcome: 'done' | 'failed'
  /** Why it failed: the code of a StoreError, for one. */
  readonly code?: string | undefined
}

interface AuditedNamespace {
  readonly set: string[]
  readonly removed: string[]
  more?: number
}

/**
 * Logs one line of JSON, without any value: who changed which entries of which storage, and when.
 * At most 20 keys of each of at most 20 namespaces are named, each by 80 characters at most; `more`
 * and `moreNamespaces` count the others.
 */
export function audit({ audit: kind, client, storage, changes, outcome, code }: AuditLine): void {
  const byNamespace = group(changes)
  const named = [...byNamespace].slice(0, MOST_NAMESPACES)
  const others = byNamespace.size - named.length
  const line = {
    audit: kind,
    at: new Date().toISOString(),
    client,
    storage,
    // Unlike an assignment this makes `__proto__` a property like any other.
    namespaces: Object.fromEntries(named.map(([name, keys]) => [name, outline(keys)])),
    ...(others > 0 ? { moreNamespaces: others } : {}),
    outcome,
    code,
  }
  console.log(onOneLine(JSON.stringify(line)))
}

/** By namespace and key: is it removed? */
function group(
  changes: Iterable<AuditedChange>,
): ReadonlyMap<string, ReadonlyMap<string, boolean>> {
  const byNamespace = new Map<string, Map<string, boolean>>()
  for (const { namespace, key, remove } of changes) {
    const name = cut(namespace)
    const keys = byNamespace.get(name) ?? new Map<string, boolean>()
    byNamespace.set(name, keys.set(key, remove === true))
  }
  return byNamespace
}

function outline(keys: ReadonlyMap<string, boolean>): AuditedNamespace {
  const outlined: AuditedNamespace = { set: [], removed: [] }
  for (const [key, isRemoved] of [...keys].slice(0, MOST_KEYS)) {
    outlined[isRemoved ? 'removed' : 'set'].push(cut(key))
  }
  if (keys.size > MOST_KEYS) outlined.more = keys.size - MOST_KEYS
  return outlined
}

function cut(name: string): string {
  if (name.length <= MOST_CHARACTERS) return name
  return `${name.slice(0, MOST_CHARACTERS - 1)}…`
}

// JSON escapes no line ends beyond U+001F; to some readers of a log and terminals these are some.
function onOneLine(json: string): string {
  return json.replaceAll(
    /[\u007f-\u009f\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
