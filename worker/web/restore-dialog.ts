import {
  type Backup,
  BackupError,
  type BackupTarget,
  type Contents,
  isSameStoredValue,
  planRestore,
  readAll,
  parseBackup,
  type RestoreCounts,
  type RestoreMode,
  type RestorePlan,
} from 'botshelf/backup'
import { EXCLUDED_FROM_BACKUP } from '../bot/excluded-from-backup.ts'
import { BACKEND_LABELS, type BackendName } from './backend-picker.ts'
import type { BotClient } from './bot-client.ts'
import { createElement, getElement } from './dom.ts'
import { describeError, formatCount } from './messages.ts'
import { type OnProgress, TaskStatus } from './task-status.ts'

// A larger file does not fit into a tab's memory, and is not a bot's backup.
const MAX_FILE_BYTES = 256 * 1024 * 1024
const EXCLUDED = { excludedNamespaces: EXCLUDED_FROM_BACKUP }
const DATA_CHANGED = 'The stored data changed in the meantime, so this preview is new.'

/** A backup, and the data that it would be restored into. */
interface Preview {
  readonly client: BotClient
  readonly target: BackupTarget
  readonly backup: Backup
  readonly current: Contents
}

/**
 * Previews what restoring a backup would change, and restores it when the user confirms. If an entry
 * that would change is no longer as previewed, it shows a new preview instead.
 */
export class RestoreDialog {
  readonly #dialog = getElement('restore', HTMLDialogElement)
  readonly #about = getElement('restore-about', HTMLParagraphElement)
  readonly #mode = getElement('restore-mode', HTMLFieldSetElement)
  readonly #rows = getElement('restore-plan', HTMLTableSectionElement)
  readonly #confirm = getElement('restore-confirm', HTMLButtonElement)
  readonly #cancel = getElement('restore-cancel', HTMLButtonElement)
  readonly #task = new TaskStatus({ status: 'restore-status', progress: 'restore-progress' })
  readonly #onRestored: (message: string) => void
  #preview: Preview | undefined

  /** @param onRestored receives a message for the user that says what was restored */
  constructor(onRestored: (message: string) => void) {
    this.#onRestored = onRestored
    this.#mode.addEventListener('change', () => this.#updatePreview())
    this.#cancel.addEventListener('click', () => this.#dialog.close())
    this.#dialog.addEventListener('cancel', (event) => {
      // Closing it during a restore would hide that only a part is restored.
      if (this.#task.isRunning) event.preventDefault()
    })
    this.#dialog.querySelector('form')?.addEventListener('submit', (event) => {
      event.preventDefault()
      void this.#restore()
    })
  }

  /**
   * Reads a backup file and opens the dialog with a preview; resolves to an empty message.
   *
   * @throws RestoreError if the file is not a valid backup
   * @throws StoreError | AdminError | NamespaceError if the current data cannot be read
   */
  async open(file: File, client: BotClient): Promise<string> {
    const backup = await readFile(file)
    const target = await client.backupTarget()
    this.#preview = { client, target, backup, current: await readAll(target, EXCLUDED) }
    const label = BACKEND_LABELS[client.backend]
    getElement('restore-title', HTMLHeadingElement).textContent = `Restore into ${label}`
    this.#about.textContent = describeBackup(file.name, backup)
    for (const radio of this.#modeRadios()) radio.checked = radio.value === 'merge'
    this.#updatePreview()
    this.#dialog.showModal()
    return ''
  }

  #modeRadios(): HTMLInputElement[] {
    return [...this.#mode.querySelectorAll('input')]
  }

  #plan({ backup, current }: Preview): RestorePlan {
    const checked = this.#modeRadios().find((radio) => radio.checked)?.value
    const mode: RestoreMode = checked === 'replace' ? 'replace' : 'merge'
    return planRestore(backup.contents, current, mode, EXCLUDED)
  }

  #updatePreview(): void {
    this.#task.show(previewMessage(this.#showPlan()))
  }

  /** Shows what a restore would change; returns the number of entries. */
  #showPlan(): number {
    if (this.#preview === undefined) return 0
    const plan = this.#plan(this.#preview)
    this.#rows.replaceChildren(
      ...[...plan.namespaces].map(([namespace, counts]) => createRow(namespace, counts)),
      createRow('Total', plan),
    )
    this.#confirm.textContent = plan.removed > 0 ? `Restore and remove ${plan.removed}` : 'Restore'
    this.#confirm.classList.toggle('danger', plan.removed > 0)
    return plan.changes.length
  }

  async #restore(): Promise<void> {
    const preview = this.#preview
    if (preview === undefined || this.#task.isRunning) return
    const { client } = preview
    const label = BACKEND_LABELS[client.backend]
    let restored: RestorePlan | undefined
    this.#setEnabled(false)
    await this.#task.run(`Checking the data in ${label} …`, async (onProgress) => {
      const latest = await this.#readAgain(preview).catch((error: unknown) => {
        throw new RestoreError(`${describeError(error)} Nothing was changed.`)
      })
      // The user confirmed exactly the previewed changes.
      const plan = this.#plan(latest)
      const isAsPreviewed = changesTheSame(
        { plan: this.#plan(preview), current: preview.current },
        { plan, current: latest.current },
      )
      this.#preview = latest
      const changes = this.#showPlan()
      if (!isAsPreviewed) return `${DATA_CHANGED} ${previewMessage(changes)}`
      if (changes === 0) return previewMessage(changes)
      this.#task.show(`Restoring into ${label} …`)
      await this.#apply(latest, plan, onProgress)
      restored = plan
      return ''
    })
    client.refresh()
    this.#setEnabled(true)
    if (restored === undefined) {
      this.#confirm.focus()
      return
    }
    this.#dialog.close()
    this.#onRestored(restoredMessage(restored, client.backend))
  }

  async #readAgain(preview: Preview): Promise<Preview> {
    return { ...preview, current: await readAll(preview.target, EXCLUDED) }
  }

  async #apply(preview: Preview, { changes }: RestorePlan, onProgress: OnProgress): Promise<void> {
    let applied = 0
    try {
      await preview.target.apply(changes, (done) => {
        applied = done
        onProgress(done, changes.length)
      })
    } catch (error) {
      this.#preview = await this.#readAgain(preview).catch(() => preview)
      this.#showPlan()
      throw new RestoreError(
        `${describeError(error)} ${applied} of ${changes.length} changes were made. To make the others, restore again.`,
      )
    }
  }

  #setEnabled(isEnabled: boolean): void {
    this.#mode.disabled = !isEnabled
    this.#confirm.disabled = !isEnabled
    this.#cancel.disabled = !isEnabled
  }
}

/** Why a backup was not restored. The message is for the user. */
export class RestoreError extends Error {
  override readonly name: string = 'RestoreError'
}

interface PlanForData {
  readonly plan: RestorePlan
  /** The data that the plan changes. */
  readonly current: Contents
}

/** Returns whether two plans for one backup change the same keys from the same values. */
function changesTheSame(one: PlanForData, other: PlanForData): boolean {
  // A key with the same value in both is changed by both plans, so equal numbers mean equal keys.
  return (
    one.plan.changes.length === other.plan.changes.length &&
    one.plan.changes.every(({ namespace, key }) =>
      isSameStoredValue(
        one.current.get(namespace)?.get(key),
        other.current.get(namespace)?.get(key),
      ),
    )
  )
}

async function readFile(file: File): Promise<Backup> {
  if (file.size > MAX_FILE_BYTES) {
    throw new RestoreError(
      `${file.name} is too large: a backup has at most 256 MiB. Nothing was changed. Choose another file.`,
    )
  }
  try {
    return await parseBackup(new Uint8Array(await file.arrayBuffer()))
  } catch (error) {
    const reason = error instanceof BackupError ? error.message : 'The file cannot be read.'
    throw new RestoreError(`${file.name} was not restored, and nothing was changed. ${reason}`)
  }
}

function describeBackup(fileName: string, { contents, storage, at }: Backup): string {
  const size = [...contents.values()].reduce((sum, entries) => sum + entries.size, 0)
  const date = new Date(at).toLocaleString('en', { dateStyle: 'long', timeStyle: 'short' })
  const count = formatCount(size, 'entry', 'entries')
  return `${fileName} contains ${count} from ${storage}, backed up on ${date}.`
}

function previewMessage(changes: number): string {
  return changes === 0
    ? 'Nothing would change: the stored data already has these entries.'
    : `${formatCount(changes, 'entry', 'entries')} will change when you choose Restore.`
}

function createRow(
  name: string,
  { added, changed, same, removed }: RestoreCounts,
): HTMLTableRowElement {
  const header = createElement('th', '', name)
  header.scope = 'row'
  const cells = [added, changed, same, removed].map((count) =>
    createElement('td', count === 0 ? 'none' : '', String(count)),
  )
  cells.at(-1)?.classList.toggle('removed', removed > 0)
  return createElement('tr', '', header, ...cells)
}

function restoredMessage(
  { added, changed, same, removed }: RestorePlan,
  backend: BackendName,
): string {
  const parts = [`${added} new`, `${changed} changed`]
  if (removed > 0) parts.push(`${removed} removed`)
  if (same > 0) parts.push(`${same} the same`)
  return `Restored into ${BACKEND_LABELS[backend]}: ${parts.join(', ')}.`
}
