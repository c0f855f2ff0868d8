import { labelOf } from '../candidates.ts'
import type { Measured } from '../rounds.ts'
import { spreadOf } from '../statistics.ts'
import { digits } from '../verdict.ts'

/** A workload that tells much, and whom it shows beside botshelf. */
interface Panel {
  readonly workload: string
  readonly title: string
  readonly ours: string
  readonly beside: readonly string[]
}

const PANELS: readonly Panel[] = [
  {
    workload: 'indexeddb-set-burst',
    title: '1000 concurrent set, IndexedDB',
    ours: 'botshelf-relaxed',
    beside: ['plain-indexeddb', 'idb-keyval', 'idb', 'dexie', 'localforage', 'unstorage'],
  },
  {
    workload: 'indexeddb-get-burst',
    title: '1000 concurrent get, IndexedDB',
    ours: 'botshelf-relaxed',
    beside: ['plain-indexeddb', 'idb-keyval', 'idb', 'dexie', 'localforage', 'unstorage'],
  },
  {
    workload: 'indexeddb-update-hot',
    title: '1000 concurrent update of 10 keys, IndexedDB',
    ours: 'botshelf-relaxed',
    beside: ['plain-indexeddb', 'idb-keyval', 'idb', 'dexie'],
  },
  {
    workload: 'object-set',
    title: '1000 concurrent set, Worker to Durable Object',
    ours: 'botshelf-object',
    beside: ['one-rpc', 'rpc-each'],
  },
  {
    workload: 'indexeddb-open',
    title: 'Cold open and first get, IndexedDB',
    ours: 'botshelf',
    beside: ['plain-indexeddb', 'idb-keyval', 'idb', 'dexie', 'localforage', 'unstorage'],
  },
  {
    workload: 'kv-entries',
    title: 'All entries of 10,000, Workers KV',
    ours: 'botshelf-kv',
    beside: ['kv-bulk'],
  },
]

const WIDTH = 760
const MARGIN = 12
const LABELS = 210
const BARS = 400
const ROW = 22
const HEAD = 30
const GAP = 18

/** Horizontal bars as SVG, a panel for each workload that was measured; `undefined` if none was. */
export function renderChart(all: readonly Measured[]): string | undefined {
  const shown = PANELS.flatMap((panel) => {
    const measured = all.find(({ workload }) => workload.id === panel.workload)
    return measured === undefined ? [] : [{ panel, measured }]
  })
  if (shown.length === 0) return undefined
  let y = 50
  const drawn = shown.map(({ panel, measured }) => {
    const top = y
    y += HEAD + ROW * (panel.beside.length + 1) + GAP
    return drawPanel(panel, measured, top)
  })
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH + 2 * MARGIN}" height="${y + 2 * MARGIN}" viewBox="${-MARGIN} ${-MARGIN} ${WIDTH + 2 * MARGIN} ${y + 2 * MARGIN}" role="img" aria-label="Time of botshelf beside its peers; shorter is better">
<style>
text { font: 13px system-ui, -apple-system, 'Segoe UI', Helvetica, Arial, sans-serif; fill: #1f2328 }
.title { font-weight: 600 }
.main { font-size: 15px; font-weight: 600 }
.note { fill: #59636e }
.peer { fill: #afb8c1 }
.ours { fill: #1a7f5a }
.page { fill: #ffffff }
.us { font-weight: 600 }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 }
  .note { fill: #9198a1 }
  .peer { fill: #57606a }
  .ours { fill: #3fb27f }
  .page { fill: #0d1117 }
}
</style>
<rect class="page" x="${-MARGIN}" y="${-MARGIN}" width="100%" height="100%" rx="6"/>
<text class="main" x="0" y="18">Time taken, by the plain API of each and by hand</text>
<text class="note" x="0" y="37">Medians; × is against botshelf; shorter is better. IndexedDB relaxed (botshelf's default is strict); Workers simulated.</text>
${drawn.join('\n')}
</svg>
`
}

function drawPanel({ title, ours, beside }: Panel, measured: Measured, top: number): string {
  const rows = [ours, ...beside].map((id) => ({
    id,
    ms: spreadOf(measured, id)?.median ?? 0,
  }))
  const own = rows[0]?.ms ?? 1
  const longest = Math.max(...rows.map(({ ms }) => ms))
  const bars = rows.map(({ id, ms }, i) => {
    const y = top + HEAD + i * ROW
    const width = Math.max(2, (ms / longest) * BARS)
    const us = id === ours
    const name = us ? 'botshelf' : labelOf(id)
    const time = `${digits(ms)} ms`
    const text = us ? time : `${time}, ${digits(ms / own)} ×`
    return `<text class="${us ? 'us' : ''}" x="${LABELS - 10}" y="${y + 13}" text-anchor="end">${escaped(name)}</text><rect class="${us ? 'ours' : 'peer'}" x="${LABELS}" y="${y}" width="${width.toFixed(1)}" height="${ROW - 5}" rx="2"/><text class="${us ? 'us' : 'note'}" x="${(LABELS + width + 8).toFixed(1)}" y="${y + 13}">${text}</text>`
  })
  return `<text class="title" x="0" y="${top + 18}">${escaped(title)}</text>\n${bars.join('\n')}`
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
}
