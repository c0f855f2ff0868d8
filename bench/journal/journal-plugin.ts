import { type StorageBase, StoragePluginBase } from '../../src/storage.ts'
import { openDatabase } from './database.ts'
import { type JournalOptions, JournalStorage } from './journal-storage.ts'
import { HeadsView, MemoryView, type View, WholeView } from './views.ts'

/** How reads learn of what is in the journal. */
export type Design = 'memory' | 'whole' | 'heads'

export interface PluginOptions extends Omit<JournalOptions, 'view'> {
  readonly design: Design
}

/** IndexedDB with a journal, to be measured and tested as a plugin of its own. */
export class JournalStoragePlugin extends StoragePluginBase {
  readonly #options: PluginOptions
  /** What was opened last, for who wants to compact it. */
  storage: JournalStorage | undefined

  constructor(options: PluginOptions) {
    super(undefined)
    this.#options = options
  }

  async open(namespace: string): Promise<StorageBase> {
    const db = await openDatabase(`journal/${namespace}`)
    this.storage = new JournalStorage(db, { ...this.#options, view: viewOf(this.#options.design) })
    return this.storage
  }
}

function viewOf(design: Design): View {
  if (design === 'memory') return new MemoryView()
  return design === 'whole' ? new WholeView() : new HeadsView()
}
