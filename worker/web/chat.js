// @ts-check

/**
 * @template {Element} E
 * @param {string} id
 * @param {new () => E} type
 * @returns {E}
 */
function element(id, type) {
  const found = document.getElementById(id)
  if (found instanceof type) return found
  throw new Error(`The page has no #${id}.`)
}

const log = element('log', HTMLDivElement)
const hello = element('hello', HTMLDivElement)
const failure = element('error', HTMLParagraphElement)
const form = element('form', HTMLFormElement)
const text = element('text', HTMLInputElement)
const user = element('user', HTMLInputElement)
const storage = element('storage', HTMLSelectElement)
const about = element('about', HTMLParagraphElement)

/** @type {Readonly<Record<string, string>>} */
const ABOUT = {
  DurableObject:
    'A Durable Object lives in one place and takes one change after another: nothing is ever lost.',
  CloudflareKV:
    'KV is near everybody and quick to read, but a change may take a minute to be seen everywhere, and of two at once one may be lost.',
}
const ROOM = 'lobby'

// Two of one person's messages must not overtake each other.
let sending = false

form.addEventListener('submit', (event) => {
  event.preventDefault()
  void send()
})
hello.addEventListener('click', ({ target }) => {
  if (!(target instanceof HTMLButtonElement)) return
  text.value = target.textContent ?? ''
  text.focus()
})
storage.addEventListener('change', () => {
  keep('storage', storage.value)
  describe()
})
user.addEventListener('change', () => keep('user', user.value))
window.addEventListener('hashchange', showAdmin)

user.value = kept('user') ?? user.value
storage.value = kept('storage') ?? storage.value
if (storage.selectedIndex < 0) storage.selectedIndex = 0
describe()
showAdmin()

async function send() {
  const said = text.value.trim()
  if (said === '' || sending) return
  busy(true)
  failure.hidden = true
  hello.hidden = true
  const name = user.value.trim() || 'guest'
  const line = show(name, said, true)
  text.value = ''
  try {
    const replies = await ask(name, said)
    if (replies.length > 0) show('bot', replies.join('\n'), false)
  } catch (error) {
    line.classList.add('failed')
    failure.textContent = error instanceof Error ? error.message : String(error)
    failure.hidden = false
    line.scrollIntoView({ block: 'nearest' })
    // So that it can be sent again, unless something else was begun meanwhile.
    if (text.value === '') text.value = said
  } finally {
    busy(false)
    text.focus()
  }
}

/**
 * @param {string} name
 * @param {string} said
 * @returns {Promise<readonly string[]>}
 */
async function ask(name, said) {
  /** @type {Record<string, string>} */
  const headers = { 'content-type': 'application/json' }
  const token = adminToken()
  if (token) headers['authorization'] = `Bearer ${token}`
  const body = JSON.stringify({ room: ROOM, user: name, text: said, storage: storage.value })
  const answer = await fetch('/api/messages', { method: 'POST', headers, body }).catch(() => {
    throw new Error('The bot cannot be reached. Is it running?')
  })
  const result = await answer.json().catch(() => ({}))
  if (answer.ok) return result.replies
  if (answer.status !== 401) {
    throw new Error(result.error ?? `The bot failed (${answer.status}). Try again.`)
  }
  element('admin', HTMLSpanElement).hidden = true
  throw new Error(
    'The token in this address is not that of the bot that runs now. Take the address it printed when it started.',
  )
}

/**
 * @param {string} who
 * @param {string} said
 * @param {boolean} mine
 */
function show(who, said, mine) {
  const line = document.createElement('p')
  const name = document.createElement('span')
  name.className = 'who'
  name.textContent = who
  line.className = mine ? 'line mine' : 'line'
  line.append(name, said)
  log.append(line)
  log.scrollTop = log.scrollHeight
  return line
}

/** @param {boolean} now */
function busy(now) {
  sending = now
  form.querySelector('button')?.setAttribute('aria-disabled', String(now))
}

function describe() {
  about.textContent = ABOUT[storage.value] ?? ''
}

function showAdmin() {
  element('admin', HTMLSpanElement).hidden = !adminToken()
}

/** The operator's token. It stands behind the `#`, which a browser sends to nobody. */
function adminToken() {
  return new URLSearchParams(location.hash.slice(1)).get('token')
}

// A browser may forbid a page to keep anything; then it keeps nothing.

/**
 * @param {string} name
 * @param {string} value
 */
function keep(name, value) {
  try {
    localStorage.setItem(`bot.${name}`, value)
  } catch {}
}

/** @param {string} name */
function kept(name) {
  try {
    return localStorage.getItem(`bot.${name}`)
  } catch {
    return null
  }
}
