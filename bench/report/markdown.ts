import { CANDIDATES, labelOf } from '../candidates.ts'
import type { Measured } from '../rounds.ts'
import { ratioOf, spreadOf } from '../statistics.ts'
import { bestPeer, digits, type Verdict } from '../verdict.ts'
import { environment } from './environment.ts'

/** The report, for people. */
export function renderMarkdown(
  all: readonly Measured[],
  verdicts: readonly Verdict[],
  rounds: number,
  date: Date,
): string {
  const { versions, machine } = environment()
  const single = all.filter(({ workload }) => workload.growth === undefined)
  const parts = [
    '# What it costs, measured',
    `Written by \`npm run bench\` on ${date.toISOString().slice(0, 10)}; do not edit. ${machine}. At most ${rounds} timed rounds.`,
    `${versions}.`,
    METHOD,
    ...(verdicts.length > 0 ? goals(verdicts) : []),
    ...(single.length > 0 ? ['## By workload', ...single.flatMap(workloadTable)] : []),
    ...growthTables(all),
  ]
  return `${parts.join('\n\n')}\n`
}

/** Differences of less are noise, in percent. */
const NOISE = 15

const METHOD = `A value is an object of about 200 bytes with a list and a Date, unless a row says another size. Every round takes one sample of each candidate, one after another and in an order drawn anew; the first round verifies all content and counts calls, and is not timed. A figure is the median of the rounds, with the middle half of them beside it; a ratio is the median of the rounds' ratios, and so need not be the quotient of two medians. Differences of less than ${NOISE} % are noise. Other bytes are written in every round. IndexedDB is Chromium's, on a disk, with an origin for each candidate; objects and KV are workerd's as miniflare starts it, timed from outside, and say nothing of Cloudflare's network: there, count the calls. botshelf's durability is strict unless it says relaxed; the others' is the browser's default, which is relaxed. unstorage gives a Date back as text.`

function goals(verdicts: readonly Verdict[]): string[] {
  const met = verdicts.filter((each) => each.met)
  const missed = verdicts.filter((each) => !each.met)
  const rows = verdicts.map(({ title, goal, says, found, met: isMet, missedBy }) => [
    title,
    labelOf(goal.candidate),
    says,
    found,
    `${isMet ? 'met' : '**missed**'}${isNoise(goal, missedBy) ? ', within noise' : ''}`,
  ])
  return [
    '## Goals',
    `${met.length} of ${verdicts.length} are met.`,
    table(['workload', 'candidate', 'goal', 'measured', ''], rows),
    ...(missed.length > 0 ? [missed.map(describeMiss).join('\n')] : []),
  ]
}

/** Is it a time that is missed by no more than the next run may differ? */
function isNoise({ holds }: Verdict['goal'], missedBy = Number.POSITIVE_INFINITY): boolean {
  return holds.kind !== 'calls' && holds.kind !== 'lost' && missedBy < NOISE
}

function describeMiss({ title, goal, says, found, missedBy }: Verdict): string {
  const by = missedBy === undefined ? `missed, with ${found}` : `missed by ${digits(missedBy)} %`
  return `- ${title}, ${labelOf(goal.candidate)}, ${says}: ${by}.${goal.bound === undefined ? '' : ` ${goal.bound}`}`
}

function workloadTable(measured: Measured): string[] {
  const { title, candidates, baseline, task } = measured.workload
  const peer = bestPeer(measured)
  const rows = candidates
    .map((id) => ({ id, spread: spreadOf(measured, id) }))
    .toSorted((a, b) => (a.spread?.median ?? 0) - (b.spread?.median ?? 0))
    .map(({ id, spread }) => [
      CANDIDATES[id]?.kind === 'ours' ? `**${labelOf(id)}**` : labelOf(id),
      spread ? digits(spread.median) : '',
      spread ? `${digits(spread.lower)} – ${digits(spread.upper)}` : '',
      ratio(measured, id, baseline),
      ratio(measured, id, peer),
      callsOf(measured, id),
      ...(task.op === 'update' ? [String(measured.counted.get(id)?.lost ?? '')] : []),
    ])
  const head = ['candidate', 'median, ms', 'middle half', '× by hand', '× best peer', 'calls']
  const limits =
    baseline === undefined ? 'Nothing was made by hand' : `By hand is ${labelOf(baseline)}`
  const peers = peer === undefined ? '' : `; the best peer is ${labelOf(peer)}`
  const taken = measured.samples.get(candidates[0] ?? '')?.length ?? 0
  return [
    `### ${title}`,
    `${limits}${peers}. Timed rounds: ${taken}.`,
    table([...head, ...(task.op === 'update' ? ['lost'] : [])], rows),
  ]
}

/** One table for each way of growing: what grows stands to the right. */
function growthTables(all: readonly Measured[]): string[] {
  const tables = new Map<string, Measured[]>()
  for (const measured of all) {
    const { growth } = measured.workload
    if (growth === undefined) continue
    const list = tables.get(growth.table) ?? []
    tables.set(growth.table, list)
    list.push(measured)
  }
  if (tables.size === 0) return []
  const shown = [...tables].flatMap(([name, columns]) => {
    const candidates = columns[0]?.workload.candidates ?? []
    const rows = candidates.map((id) => [
      CANDIDATES[id]?.kind === 'ours' ? `**${labelOf(id)}**` : labelOf(id),
      ...columns.map((measured) => {
        const spread = spreadOf(measured, id)
        return spread ? digits(spread.median) : ''
      }),
    ])
    return [
      `### ${name}`,
      table(['candidate', ...columns.map(({ workload }) => workload.growth?.at ?? '')], rows),
    ]
  })
  return ['## How cost grows', ...shown]
}

function ratio(measured: Measured, id: string, against: string | undefined): string {
  const found = against === undefined ? undefined : ratioOf(measured, id, against)
  return found === undefined ? '' : digits(found)
}

function callsOf(measured: Measured, id: string): string {
  const { calls } = measured.counted.get(id) ?? {}
  return Object.entries(calls ?? {})
    .map(([name, count]) => `${count} ${count === 1 ? name.replace(/s$/, '') : name}`)
    .join(', ')
}

const TEXT = new Set(['', 'candidate', 'workload', 'goal', 'calls'])

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const rule = head.map((name) => (TEXT.has(name) ? '---' : '---:'))
  return [head, rule, ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}
