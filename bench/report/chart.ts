import { labelOf } from '../candidates.ts'
import type { Measured } from '../rounds.ts'
import { spreadOf } from '../statistics.ts'
import { digits, type Verdict } from '../verdict.ts'
import { drawGoals } from './goal-chart.ts'
import { escapeText } from './svg.ts'

/** One workload of the chart, and the candidates that it shows beside botshelf. */
interface Panel {
  readonly workload: string
  readonly title: string
  readonly ours: string
  readonly others: readonly string[]
}

const PANELS: readonly Panel[] = [
  {
    workload: 'indexeddb-set-burst',
    title: '1000 concurrent set, IndexedDB',
    ours: 'botshelf-relaxed',
    others: ['plain-indexeddb', 'idb-keyval', 'idb', 'dexie', 'localforage', 'unstorage'],
  },
  {
    workload: 'indexeddb-get-burst',
    title: '1000 concurrent get, IndexedDB',
    ours: 'botshelf-relaxed',
    others: ['plain-indexeddb', 'idb-keyval', 'idb', 'dexie', 'localforage', 'unstorage'],
  },
  {
    workload: 'indexeddb-update-hot',
    title: '1000 concurrent update of 10 keys, IndexedDB',
    ours: 'botshelf-relaxed',
    others: ['plain-indexeddb', 'idb-keyval', 'idb', 'localforage'],
  },
  {
    workload: 'object-set',
    title: '1000 concurrent set, Worker to Durable Object',
    ours: 'botshelf-object',
    others: ['one-rpc', 'rpc-each'],
  },
  {
    workload: 'indexeddb-open',
    title: 'Cold open and first get, IndexedDB',
    ours: 'botshelf',
    others: ['plain-indexeddb', 'idb-keyval', 'idb', 'dexie', 'localforage', 'unstorage'],
  },
  {
    workload: 'kv-entries',
    title: 'All entries of 10,000, Workers KV',
    ours: 'botshelf-kv',
    others: ['kv-bulk'],
  },
]

// Sizes in SVG units.
const WIDTH = 760
const MARGIN = 12
const LABEL_WIDTH = 210
const MAX_BAR_WIDTH = 400
const ROW_HEIGHT = 22
const TITLE_HEIGHT = 30
const PANEL_GAP = 18

/**
 * Returns the table of goals as SVG, and horizontal bars, one panel per workload; `undefined` if none
 * of these workloads was measured.
 */
export function renderChart(
  results: readonly Measured[],
  verdicts: readonly Verdict[],
): string | undefined {
  const shown = PANELS.flatMap((panel) => {
    const measured = results.find(({ workload }) => workload.id === panel.workload)
    return measured === undefined ? [] : [{ panel, measured }]
  })
  if (shown.length === 0) return undefined
  const goals = drawGoals(verdicts, 50)
  let y = 50 + goals.height
  const panels = shown.map(({ panel, measured }) => {
    const top = y
    y += TITLE_HEIGHT + ROW_HEIGHT * (panel.others.length + 1) + PANEL_GAP
    return drawPanel(panel, measured, top)
  })
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH + 2 * MARGIN}" height="${y + 2 * MARGIN}" viewBox="${-MARGIN} ${-MARGIN} ${WIDTH + 2 * MARGIN} ${y + 2 * MARGIN}" role="img" aria-label="Time that botshelf and other libraries take; shorter is better">
<style>
text { font: 13px system-ui, -apple-system, 'Segoe UI', Helvetica, Arial, sans-serif; fill: #1f2328 }
.title { font-weight: 600 }
.main { font-size: 15px; font-weight: 600 }
.note { fill: #59636e }
.peer { fill: #afb8c1 }
.ours { fill: #1a7f5a }
.page { fill: #ffffff }
.bold { font-weight: 600 }
.small { font-size: 11px }
.missed { fill: #bc4c00 }
.before { fill: none; stroke: #8c959f; stroke-width: 1.5 }
.track { stroke: #8c959f; stroke-width: 1.5 }
.goal { stroke: #1f2328; stroke-width: 1; stroke-dasharray: 3 3 }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 }
  .note { fill: #9198a1 }
  .peer { fill: #57606a }
  .ours { fill: #3fb27f }
  .page { fill: #0d1117 }
  .missed { fill: #f0883e }
  .goal { stroke: #e6edf3 }
}
</style>
<rect class="page" x="${-MARGIN}" y="${-MARGIN}" width="100%" height="100%" rx="6"/>
<text class="main" x="0" y="18">Time of botshelf, of other libraries, and of the platform itself</text>
<text class="note" x="0" y="37">Medians; × is relative to botshelf. IndexedDB: relaxed durability (botshelf's default is strict). Workers: simulated.</text>
${[...goals.elements, ...panels].join('\n')}
</svg>
`
}

function drawPanel({ title, ours, others }: Panel, measured: Measured, top: number): string {
  const rows = [ours, ...others].map((id) => ({
    id,
    ms: spreadOf(measured, id)?.median ?? 0,
  }))
  const oursMs = rows[0]?.ms ?? 1
  const longest = Math.max(...rows.map(({ ms }) => ms))
  const bars = rows.map(({ id, ms }, i) => {
    const y = top + TITLE_HEIGHT + i * ROW_HEIGHT
    const width = Math.max(2, (ms / longest) * MAX_BAR_WIDTH)
    const isOurs = id === ours
    const name = isOurs ? 'botshelf' : labelOf(id)
    const time = `${digits(ms)} ms`
    const text = isOurs ? time : `${time}, ${digits(ms / oursMs)} ×`
    return `<text class="${isOurs ? 'bold' : ''}" x="${LABEL_WIDTH - 10}" y="${y + 13}" text-anchor="end">${escapeText(name)}</text><rect class="${isOurs ? 'ours' : 'peer'}" x="${LABEL_WIDTH}" y="${y}" width="${width.toFixed(1)}" height="${ROW_HEIGHT - 5}" rx="2"/><text class="${isOurs ? 'bold' : 'note'}" x="${(LABEL_WIDTH + width + 8).toFixed(1)}" y="${y + 13}">${text}</text>`
  })
  return `<text class="title" x="0" y="${top + 18}">${escapeText(title)}</text>\n${bars.join('\n')}`
}
