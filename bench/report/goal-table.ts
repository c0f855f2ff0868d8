import type { Limit } from '../goal.ts'
import type { GoalRow, TableGoal } from '../goal-table.ts'
import { digits, isWithinNoise, type Verdict } from '../verdict.ts'
import { renderTable } from './table.ts'

/** Returns the table of goals, without the lines of which nothing was measured. */
export function renderGoalTable(
  table: readonly GoalRow[],
  verdicts: readonly Verdict[],
): readonly string[] {
  const rows = table.flatMap(({ title, goals }): string[][] => {
    const judged = goals.map((goal) => verdicts.find((verdict) => verdict.goal === goal))
    if (judged.every((verdict) => verdict === undefined)) return []
    return [
      [
        title,
        joinFigures(goals.map((goal) => formatFigure(goal.before, goal.limit))),
        joinFigures(goals.map(formatGoal)),
        joinFigures(
          goals.flatMap(({ moonshot, limit }) =>
            moonshot === undefined ? [] : [formatFigure(moonshot, limit)],
          ),
        ),
        joinFigures(
          judged.map((verdict) =>
            verdict ? formatFigure(verdict.figure, verdict.goal.limit) : '–',
          ),
        ),
        joinFigures(unique(judged.map(formatVerdict))),
      ],
    ]
  })
  if (rows.length === 0) return []
  const head = ['workload', 'before', 'goal', 'moonshot', 'measured', 'verdict']
  return [
    '## Goals',
    'Medians of ratios, lower is better, unless a cell names another unit. *Before* is from the report of 2026-11-28, the last one before these goals; figures of new rows were measured later, with the code of that report.',
    renderTable(head, rows),
  ]
}

function joinFigures(cells: readonly string[]): string {
  return cells.join(' / ')
}

function formatGoal({ limit }: TableGoal): string {
  return limit.kind === 'faster'
    ? `≥ ${formatFigure(limit.min, limit)}`
    : `≤ ${formatFigure(limit.max, limit)}`
}

function formatFigure(figure: number, { kind }: Limit): string {
  if (kind === 'bytes') return `${digits(figure / 1000)} kB`
  if (kind === 'calls') return `${figure} ${figure === 1 ? 'call' : 'calls'}`
  return kind === 'faster' ? `${digits(figure)} × faster` : digits(figure)
}

function formatVerdict(verdict: Verdict | undefined): string {
  if (verdict === undefined) return 'not measured'
  if (verdict.isMet) return 'met'
  return verdict.missedBy === undefined
    ? '**missed**'
    : `**missed** by ${digits(verdict.missedBy)} %${isWithinNoise(verdict) ? ', within noise' : ''}`
}

/** Returns one cell where all are equal. */
function unique(cells: readonly string[]): readonly string[] {
  const distinct = new Set(cells)
  return distinct.size === 1 ? [...distinct] : cells
}
