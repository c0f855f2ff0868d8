import {
  type Backup,
  BackupError,
  type Contents,
  type RestoreCounts,
  isSameText,
  type BackupTarget,
  type RestorePlan,
  planRestore,
  readAll,
  readBackup,
  type RestoreMode,
} from 'botshelf/backup'
import { EXCLUDED_FROM_BACKUP } from '../bot/excluded-from-backup.ts'
import { create, element } from './dom.ts'
import type { BotClient } from './home.ts'
import { CALLED } from './places.ts'
import { count, troubleWords } from './words.ts'
import { type Report, Work } from './work.ts'

// More would be no backup of a bot, and would not fit into a tab.
const MOST_BYTES = 256 * 1024 * 1024
const EXCLUDED = { excludedNamespaces: EXCLUDED_FROM_BACKUP }
const MEANWHILE = 'Meanwhile something has changed here; look again.'

interface Offer {
  readonly home: BotClient
  readonly place: BackupTarget
  readonly backup: Backup
  readonly current: Contents
}

/**
 * Restores a file at a place: shows what will change, does it when told to, and shows how far it is.
 * When told to it looks again, and asks again if a key that it would touch is not as it was shown.
 */
export class Restore {
  readonly #dialog = element('restore', HTMLDialogElement)
  readonly #about = element('restore-about', HTMLParagraphElement)
  readonly #mode = element('restore-mode', HTMLFieldSetElement)
  readonly #rows = element('restore-plan', HTMLTableSectionElement)
  readonly #go = element('restore-go', HTMLButtonElement)
  readonly #cancel = element('restore-cancel', HTMLButtonElement)
  readonly #work = new Work({ status: 'restore-status', progress: 'restore-progress' })
  readonly #onDone: (sentence: string) => void
  #offer: Offer | undefined

  /** @param onDone gets the sentence that says what was restored */
  constructor(onDone: (sentence: string) => void) {
    this.#onDone = onDone
    this.#mode.addEventListener('change', () => this.#ask())
    this.#cancel.addEventListener('click', () => this.#dialog.close())
    this.#dialog.addEventListener('cancel', (event) => {
      // What has begun is finished: half of it would be neither the old nor the new.
      if (this.#work.running) event.preventDefault()
    })
    this.#dialog.querySelector('form')?.addEventListener('submit', (event) => {
      event.preventDefault()
      void this.#restore()
    })
  }

  /**
   * Reads a file and, if all of it is right, shows what it would change at a place; resolves to
   * what there is to say beside.
   *
   * @throws RestoreError if it is no backup, in one sentence; what the place says
   */
  async offer(file: File, home: BotClient): Promise<string> {
    const backup = await read(file)
    const place = await home.data()
    this.#offer = { home, place, backup, current: await readAll(place, EXCLUDED) }
    element('restore-title', HTMLHeadingElement).textContent = `Restore into ${CALLED[home.name]}`
    const entries = [...backup.contents.values()].reduce((sum, { size }) => sum + size, 0)
    const made = new Date(backup.at).toLocaleString('en', {
      dateStyle: 'long',
      timeStyle: 'short',
    })
    this.#about.textContent = `${file.name} holds ${count(entries, 'entry', 'entries')} of ${backup.storage}, from ${made}.`
    for (const radio of this.#modes()) radio.checked = radio.value === 'merge'
    this.#ask()
    this.#dialog.showModal()
    return ''
  }

  #modes(): HTMLInputElement[] {
    return [...this.#mode.querySelectorAll('input')]
  }

  #plan({ backup, current }: Offer): RestorePlan {
    const chosen = this.#modes().find(({ checked }) => checked)?.value
    const mode: RestoreMode = chosen === 'replace' ? 'replace' : 'merge'
    return planRestore(backup.contents, current, mode, EXCLUDED)
  }

  #ask(): void {
    this.#work.say(question(this.#show()))
  }

  /** Shows what will change; returns how many entries. */
  #show(): number {
    if (this.#offer === undefined) return 0
    const found = this.#plan(this.#offer)
    this.#rows.replaceChildren(
      ...[...found.namespaces].map(([namespace, counts]) => row(namespace, counts)),
      row('Together', found),
    )
    this.#go.textContent = found.removed > 0 ? `Restore and remove ${found.removed}` : 'Restore'
    this.#go.classList.toggle('danger', found.removed > 0)
    return found.changes.length
  }

  async #restore(): Promise<void> {
    const offer = this.#offer
    if (offer === undefined || this.#work.running) return
    const { home } = offer
    let done: RestorePlan | undefined
    this.#allow(false)
    await this.#work.run(`Looking at what is in ${CALLED[home.name]} now …`, async (report) => {
      const now = await this.#read(offer).catch((error: unknown) => {
        throw new RestoreError(`${troubleWords(error)} Nothing was changed.`)
      })
      // What was agreed to is done, and nothing else.
      const found = this.#plan(now)
      const isAsShown = isSame(this.#plan(offer), offer.current, found, now.current)
      this.#offer = now
      const changes = this.#show()
      if (!isAsShown) return `${MEANWHILE} ${question(changes)}`
      if (changes === 0) return question(changes)
      this.#work.say(`Restoring into ${CALLED[home.name]} …`)
      await this.#apply(now, found, report)
      done = found
      return ''
    })
    home.look()
    this.#allow(true)
    if (done === undefined) {
      this.#go.focus()
      return
    }
    this.#dialog.close()
    this.#onDone(restored(done, home))
  }

  /** The same offer, with what is at the place now. */
  async #read(offer: Offer): Promise<Offer> {
    return { ...offer, current: await readAll(offer.place, EXCLUDED) }
  }

  async #apply(offer: Offer, { changes }: RestorePlan, report: Report): Promise<void> {
    let done = 0
    try {
      await offer.place.apply(changes, (now) => {
        done = now
        report(done, changes.length)
      })
    } catch (error) {
      this.#offer = await this.#read(offer).catch(() => offer)
      this.#show()
      throw new RestoreError(
        `${troubleWords(error)} ${done} of ${changes.length} changes were made; restoring again makes the rest.`,
      )
    }
  }

  #allow(allowed: boolean): void {
    this.#mode.disabled = !allowed
    this.#go.disabled = !allowed
    this.#cancel.disabled = !allowed
  }
}

/** Why a file cannot be restored: one sentence for people. */
export class RestoreError extends Error {
  override readonly name: string = 'RestoreError'
}

/** What is asked before anything is done. */
function question(changes: number): string {
  return changes === 0
    ? 'Everything is here already: there is nothing to do.'
    : `${count(changes, 'entry', 'entries')} will change. Nothing is done before you say so.`
}

/** Do two plans of one backup change the same keys from the same values? */
function isSame(
  one: RestorePlan,
  from: Contents,
  other: RestorePlan,
  otherFrom: Contents,
): boolean {
  // A key that is as it was changes in both; so as many changes are the same changes.
  return (
    one.changes.length === other.changes.length &&
    one.changes.every(({ namespace, key }) =>
      isSameText(from.get(namespace)?.get(key), otherFrom.get(namespace)?.get(key)),
    )
  )
}

async function read(file: File): Promise<Backup> {
  if (file.size > MOST_BYTES) {
    throw new RestoreError(`${file.name} is too large to be a backup. Nothing was changed.`)
  }
  try {
    return readBackup(new Uint8Array(await file.arrayBuffer()))
  } catch (error) {
    const why = error instanceof BackupError ? error.message : 'The file cannot be read.'
    throw new RestoreError(`${file.name} was not restored, and nothing was changed. ${why}`)
  }
}

function row(name: string, { added, changed, same, removed }: RestoreCounts): HTMLTableRowElement {
  const head = create('th', '', name)
  head.scope = 'row'
  const cells = [added, changed, same, removed].map((number, index) => {
    const cell = create('td', number === 0 ? 'none' : '', String(number))
    cell.classList.toggle('removed', index === 3 && number > 0)
    return cell
  })
  return create('tr', '', head, ...cells)
}

function restored({ added, changed, same, removed }: RestorePlan, { name }: BotClient): string {
  const parts = [`${added} new`, `${changed} changed`]
  if (removed > 0) parts.push(`${removed} removed`)
  if (same > 0) parts.push(`${same} as before`)
  return `Restored into ${CALLED[name]}: ${parts.join(', ')}.`
}
