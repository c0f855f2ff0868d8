import { labelOf } from '../candidates.ts'
import { BEST_PEER, type Limit } from '../goal.ts'
import type { TableGoal } from '../goal-table.ts'
import { digits, type Verdict } from '../verdict.ts'
import { escapeText } from './svg.ts'

// Sizes in SVG units.
const LABEL_WIDTH = 440
const TRACK_WIDTH = 220
const ROW_HEIGHT = 19
const TITLE_HEIGHT = 30
/** The end of the scale, as a multiple of the goal. What lies beyond it is drawn there. */
const MAX_MULTIPLE = 3

/**
 * Draws the table of goals: per figure a line with the goal, what was before and what was measured.
 *
 * @param top where the panel begins
 * @returns the SVG elements, and the height that they take
 */
export function drawGoals(
  verdicts: readonly Verdict[],
  top: number,
): { readonly elements: readonly string[]; readonly height: number } {
  const shown = verdicts.filter(isOfTable)
  if (shown.length === 0) return { elements: [], height: 0 }
  const rows = shown.map((verdict, i) => drawRow(verdict, top + TITLE_HEIGHT + i * ROW_HEIGHT))
  const height = TITLE_HEIGHT + shown.length * ROW_HEIGHT + 12
  const goalX = xOf(1)
  const bottom = top + TITLE_HEIGHT + shown.length * ROW_HEIGHT
  const title = `<text class="title" x="0" y="${top + 18}">Goals: before (ring), now (dot), and the goal (line); further left is better</text>`
  const line = `<line class="goal" x1="${goalX}" x2="${goalX}" y1="${top + TITLE_HEIGHT - 4}" y2="${bottom}"/>`
  return { elements: [title, line, ...rows], height }
}

type TableVerdict = Verdict & { readonly goal: TableGoal }

function isOfTable(verdict: Verdict): verdict is TableVerdict {
  return 'before' in verdict.goal
}

function drawRow({ title, goal, figure, measured, isMet }: TableVerdict, y: number): string {
  const now = xOf(multipleOf(figure, goal.limit))
  const before = xOf(multipleOf(goal.before, goal.limit))
  const middle = y + ROW_HEIGHT / 2 - 1
  const label = `${title.replaceAll('`', '')}${describeLimit(goal)}`
  return `<text class="small" x="${LABEL_WIDTH - 10}" y="${middle + 4}" text-anchor="end">${escapeText(label)}</text><line class="track" x1="${Math.min(before, now)}" x2="${Math.max(before, now)}" y1="${middle}" y2="${middle}"/><circle class="before" cx="${before}" cy="${middle}" r="4"/><circle class="${isMet ? 'ours' : 'missed'}" cx="${now}" cy="${middle}" r="5"/><text class="small note" x="${LABEL_WIDTH + TRACK_WIDTH + 12}" y="${middle + 4}">${measured}</text>`
}

function describeLimit({ limit, candidate }: TableGoal): string {
  if (limit.kind === 'bytes') return `, ${candidate}`
  if (!('against' in limit)) return ', calls'
  return `, to ${limit.against === BEST_PEER ? 'the best peer' : labelOf(limit.against)}`
}

/** Returns a figure as a multiple of its limit; more is worse. */
function multipleOf(figure: number, limit: Limit): number {
  return limit.kind === 'faster' ? limit.min / figure : figure / Math.max(1e-9, limit.max)
}

function xOf(multiple: number): number {
  const width = (Math.min(multiple, MAX_MULTIPLE) / MAX_MULTIPLE) * TRACK_WIDTH
  return Number(digits(LABEL_WIDTH + width).replaceAll(',', ''))
}
