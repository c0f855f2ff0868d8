import { CANDIDATES, labelOf } from '../candidates.ts'
import { GOAL_TABLE } from '../goal-table.ts'
import { renderTable } from './table.ts'
import { renderGoalTable } from './goal-table.ts'
import type { Measured } from '../rounds.ts'
import { ratioOf, spreadOf } from '../statistics.ts'
import { bestPeer, digits, isWithinNoise, NOISE_PERCENT, type Verdict } from '../verdict.ts'
import { readEnvironment } from './environment.ts'

/** What the report shows. */
export interface Report {
  readonly results: readonly Measured[]
  readonly verdicts: readonly Verdict[]
  readonly rounds: number
  readonly date: Date
}

/** Returns the report as Markdown. */
export function renderMarkdown({ results, verdicts, rounds, date }: Report): string {
  const { versions, machine } = readEnvironment()
  const single = results.filter(
    ({ workload: { growth, group } }) => growth === undefined && group !== 'size',
  )
  const parts = [
    '# Benchmark results',
    `Written by \`npm run bench\` on ${date.toISOString().slice(0, 10)}; do not edit. ${machine}. At most ${rounds} timed rounds.`,
    `${versions}.`,
    ...renderGoalTable(GOAL_TABLE, verdicts),
    METHOD,
    ...(verdicts.length > 0 ? renderGoals(verdicts) : []),
    ...(single.length > 0 ? ['## By workload', ...single.flatMap(renderWorkload)] : []),
    ...renderGrowth(results),
  ]
  return `${parts.join('\n\n')}\n`
}

const METHOD = `A value is an object of about 200 bytes with a list and a Date, unless a row says otherwise. Every round takes one sample of each candidate, one after another and in a new random order. The first round verifies all content and counts calls, and is not timed. Every round writes different bytes.

A figure is the median of the rounds; the middle half of the rounds stands beside it. A ratio is the median of the ratios of the rounds, and so may differ from the quotient of two medians. Differences below ${NOISE_PERCENT} % are noise. A baseline uses the platform directly, with all operations in as few calls as possible.

IndexedDB is that of Chromium on a disk, with one origin per candidate. Objects and KV are those of workerd, started by miniflare and timed from outside; these times do not include Cloudflare's network, so compare the calls. botshelf's durability is strict unless a row says relaxed; the other libraries use the browser's default, which is relaxed. unstorage reads a Date back as text.

A client is a request of its own, and 20 ms are added to each of its calls, half of them on either way; its time is that of the slowest client.`

function renderGoals(verdicts: readonly Verdict[]): string[] {
  const missed = verdicts.filter(({ isMet }) => !isMet)
  const rows = verdicts.map((verdict) => [
    verdict.title,
    labelOf(verdict.goal.candidate),
    verdict.expected,
    verdict.measured,
    `${verdict.isMet ? 'met' : '**missed**'}${isWithinNoise(verdict) ? ', within noise' : ''}`,
  ])
  return [
    '## Every goal',
    `${verdicts.length - missed.length} of ${verdicts.length} are met.`,
    renderTable(['workload', 'candidate', 'goal', 'measured', 'result'], rows),
    ...(missed.length > 0 ? [missed.map(describeMiss).join('\n')] : []),
  ]
}

function describeMiss({ title, goal, expected, measured, missedBy }: Verdict): string {
  const miss =
    missedBy === undefined ? `missed, measured ${measured}` : `missed by ${digits(missedBy)} %`
  const reason = goal.reason === undefined ? '' : ` ${goal.reason}`
  return `- ${title}, ${labelOf(goal.candidate)}, ${expected}: ${miss}.${reason}`
}

function renderWorkload(measured: Measured): string[] {
  const { title, candidates, baseline, task } = measured.workload
  const peer = bestPeer(measured)
  const isUpdate = task.op === 'update' || task.op === 'increment'
  const hasConflicts = [...measured.counted.values()].some((each) => each.conflicts !== undefined)
  const rows = candidates
    .map((id) => ({ id, spread: spreadOf(measured, id) }))
    .toSorted((a, b) => (a.spread?.median ?? 0) - (b.spread?.median ?? 0))
    .map(({ id, spread }) => [
      renderLabel(id),
      spread ? digits(spread.median) : '',
      spread ? `${digits(spread.lower)} – ${digits(spread.upper)}` : '',
      renderRatio(measured, id, baseline),
      renderRatio(measured, id, peer),
      renderCalls(measured, id),
      ...(isUpdate ? [renderCount(measured, id, 'lost')] : []),
      ...(hasConflicts ? [renderCount(measured, id, 'conflicts')] : []),
    ])
  const head = ['candidate', 'median, ms', 'middle half', '× baseline', '× best peer', 'calls']
  const facts = [
    baseline === undefined ? 'Baseline: none' : `Baseline: ${labelOf(baseline)}`,
    ...(peer === undefined ? [] : [`Best peer: ${labelOf(peer)}`]),
    `Timed rounds: ${measured.samples.get(candidates[0] ?? '')?.length ?? 0}`,
  ]
  return [
    `### ${title}`,
    `${facts.join('. ')}.`,
    renderTable(
      [...head, ...(isUpdate ? ['lost'] : []), ...(hasConflicts ? ['CONFLICT'] : [])],
      rows,
    ),
  ]
}

/** Renders one table per growing quantity, with a column for each of its sizes. */
function renderGrowth(results: readonly Measured[]): string[] {
  const tables = new Map<string, Measured[]>()
  for (const measured of results) {
    const { growth } = measured.workload
    if (growth === undefined) continue
    const columns = tables.get(growth.table) ?? []
    tables.set(growth.table, columns)
    columns.push(measured)
  }
  if (tables.size === 0) return []
  const rendered = [...tables].flatMap(([name, columns]) => {
    const candidates = columns[0]?.workload.candidates ?? []
    const rows = candidates.map((id) => [
      renderLabel(id),
      ...columns.map((measured) => {
        const spread = spreadOf(measured, id)
        return spread ? digits(spread.median) : ''
      }),
    ])
    return [
      `### ${name}`,
      renderTable(['candidate', ...columns.map(({ workload }) => workload.growth?.at ?? '')], rows),
    ]
  })
  return ['## How cost grows', ...rendered]
}

function renderLabel(id: string): string {
  return CANDIDATES[id]?.kind === 'ours' ? `**${labelOf(id)}**` : labelOf(id)
}

function renderRatio(measured: Measured, id: string, against: string | undefined): string {
  const ratio = against === undefined ? undefined : ratioOf(measured, id, against)
  return ratio === undefined ? '' : digits(ratio)
}

function renderCalls(measured: Measured, id: string): string {
  const { calls, callsPerClient } = measured.counted.get(id) ?? {}
  if (callsPerClient !== undefined) {
    const { max, mean } = callsPerClient
    return `per client at most ${max}, on average ${digits(mean)}`
  }
  return Object.entries(calls ?? {})
    .map(([name, count]) => `${count} ${count === 1 ? name.replace(/s$/, '') : name}`)
    .join(', ')
}

function renderCount(measured: Measured, id: string, kind: 'lost' | 'conflicts'): string {
  return String(measured.counted.get(id)?.[kind] ?? '')
}
