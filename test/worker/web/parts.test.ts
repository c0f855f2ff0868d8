import { readFileSync } from 'node:fs'
import { expect, onTestFinished, test, vi } from 'vitest'
import { memory } from '../../../adapters/memory.ts'
import { StorageRuntime } from '../../../src/index.ts'
import { OLDEST_BROWSERS } from '../../../scripts/browsers.ts'
import { LOG_EXCERPT } from '../../../worker/bot/excerpt.ts'
import { Rounds } from '../../../worker/web/rounds.ts'
import { showValue } from '../../../worker/web/show-value.ts'
import { type Line, Transcript } from '../../../worker/web/transcript.ts'
import { eventually } from './support/browser.ts'

function line(id: number, more: Partial<Line> = {}): Line {
  return { id: `${id}`, at: id, who: 'ann', text: `line ${id}`, from: 'person', ...more }
}

async function transcripts(count: number): Promise<{ of: Transcript; lines: readonly Line[] }[]> {
  const runtime = await StorageRuntime.start({ STORAGE: 'Memory' }, [memory])
  const made = Array.from({ length: count }, () => {
    const one = { lines: [] as readonly Line[] }
    return Object.assign(one, { of: new Transcript((lines) => (one.lines = lines)) })
  })
  for (const one of made) await one.of.open('tab', runtime)
  return made
}

test('a transcript keeps the last 200 lines, and of long ones fewer, but always the last', async () => {
  const [one, two] = await transcripts(2)
  for (let id = 1; id <= 205; id++) await one?.of.put(line(id))
  await eventually(() => two?.lines.map(({ at }) => at)).toEqual(
    Array.from({ length: 200 }, (_, index) => index + 6),
  )
  await one?.of.put(line(206, { text: 'x'.repeat(300_000) }))
  await eventually(() => two?.lines.map(({ at }) => at)).toEqual([206])
})

test('a transcript tells others of a line that was not heard', async () => {
  const [one, two] = await transcripts(2)
  await one?.of.put(line(1))
  await one?.of.put(line(2))
  await one?.of.put(line(1, { failed: true }))
  await eventually(() => two?.lines).toEqual([line(1, { failed: true }), line(2)])
})

test('what a transcript cannot keep is shown in its order all the same', async () => {
  const lines: (readonly Line[])[] = []
  const transcript = new Transcript((now) => lines.push(now))
  expect(await transcript.put(line(1))).toBe(false)
  const runtime = await StorageRuntime.start({ STORAGE: 'Memory' }, [memory])
  await transcript.open('tab', runtime)
  expect(await transcript.put(line(2))).toBe(true)
  expect(lines.at(-1)).toEqual([line(1), line(2)])
})

test('rounds go on after one that failed', async () => {
  vi.stubGlobal('document', Object.assign(new EventTarget(), { visibilityState: 'visible' }))
  vi.stubGlobal('addEventListener', () => {})
  onTestFinished(() => void vi.unstubAllGlobals())
  const end = new AbortController()
  let times = 0
  const step = async (): Promise<void> => {
    times++
    if (times === 1) throw new Error('once')
  }
  const rounds = new Rounds(step, 10, end.signal)
  await expect(rounds.now()).rejects.toThrow('once')
  await eventually(() => times).toBeGreaterThan(2)
  await rounds.now()
  end.abort()
})

test.each<[unknown, string]>([
  ['a "b"\n', String.raw`"a \"b\"\n"`],
  [{ a: 1, 'b c': [true, null, undefined] }, '{ a: 1, "b c": [true, null, undefined] }'],
  [[-0, 1n, Number.NaN], '[-0, 1n, NaN]'],
  [new Map([['k', new Set([1])]]), 'Map { "k" → Set { 1 } }'],
  [new Date(0), '1970-01-01T00:00:00.000Z'],
  [new Date(Number.NaN), 'Invalid Date'],
  [[/x/g, new TypeError('no'), new Uint8Array(3)], '[/x/g, TypeError: no, Uint8Array (3 bytes)]'],
  [{}, '{}'],
])('the inspector shows %o as %s', (value, text) => {
  expect(showValue(value, 1000)).toBe(text)
})

test('the inspector shows cycles, and no more of a value than it was told to', () => {
  const cycle: unknown[] = []
  cycle.push(cycle)
  expect(showValue(cycle, 100)).toBe('[↻]')
  expect(showValue({ a: [1] }, 100, true)).toBe('{\n  a: [\n    1\n  ]\n}')
  const endless = new Map(Array.from({ length: 1e5 }, (_, index) => [index, 'x'.repeat(99)]))
  expect(showValue(endless, 50)).toHaveLength(51)
})

// What axe cannot tell: text over gradients, of one character, and the borders of controls.
test.each(['light', 'dark'])('every pair of colours has its contrast: %s', (theme) => {
  const css = readFileSync(new URL('../../../worker/web/style/theme.css', import.meta.url), 'utf8')
  const rules = css.split('@media')[theme === 'light' ? 0 : 1] ?? ''
  const colours = new Map(
    [...rules.matchAll(/--([\w-]+): (#\w{6})/g)].map(([, name, hex]) => [name, hex]),
  )
  const light = (name: string): number => luminance(colours.get(name) ?? 'missing')
  const contrast = (a: string, b: string): number =>
    (Math.max(light(a), light(b)) + 0.05) / (Math.min(light(a), light(b)) + 0.05)
  for (const [ink, ...papers] of [
    ['ink', 'paper', 'card', 'sunk', 'mine', 'mark'],
    ['soft', 'paper', 'card', 'sunk', 'mine'],
    ['accent', 'card', 'paper'],
    ['on-accent', 'accent'],
    ['wrong', 'wrong-paper', 'card', 'mine'],
    ['card', 'wrong'],
  ] as const) {
    for (const paper of papers) {
      expect(contrast(ink, paper), `${ink} on ${paper}`).toBeGreaterThanOrEqual(4.5)
    }
  }
  for (const paper of ['card', 'paper']) {
    expect(contrast('edge', paper), `edge on ${paper}`).toBeGreaterThanOrEqual(3)
  }
})

function luminance(hex: string): number {
  const [r = Number.NaN, g = Number.NaN, b = Number.NaN] = [1, 3, 5].map((at) => {
    const part = Number.parseInt(hex.slice(at, at + 2), 16) / 255
    return part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4
  })
  return 0.2126 * r + 0.7152 * g + 0.0722 * b
}

test('the page is built for the browsers that README names', () => {
  const readme = readFileSync(new URL('../../../README.md', import.meta.url), 'utf8')
  const [, ...oldest] =
    /Chrome and Edge (\S+), Firefox (\S+), Safari ([\d.]+\d),/.exec(readme) ?? []
  const names = ['chrome', 'firefox', 'safari']
  expect(OLDEST_BROWSERS).toEqual(oldest.map((version, index) => `${names[index]}${version}`))
  const build = readFileSync(new URL('../../../scripts/build-page.ts', import.meta.url), 'utf8')
  expect(build).toContain('target: OLDEST_BROWSERS,')
})

test('the page credits whose log it brings', () => {
  const html = readFileSync(new URL('../../../worker/web/index.html', import.meta.url), 'utf8')
  expect(html.replace(/\s+/g, ' ')).toContain(LOG_EXCERPT.credit)
})
