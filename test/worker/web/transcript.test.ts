import { expect, test } from 'vitest'
import { memory } from '../../../adapters/memory.ts'
import { StorageRuntime } from '../../../src/index.ts'
import { Transcript, type TranscriptLine } from '../../../worker/web/transcript.ts'
import { eventually } from './support/eventually.ts'

function line(id: number, more: Partial<TranscriptLine> = {}): TranscriptLine {
  return { id: `${id}`, at: id, author: 'ann', text: `line ${id}`, from: 'person', ...more }
}

interface OpenTranscript {
  readonly transcript: Transcript
  lines: readonly TranscriptLine[]
}

/** Opens the same conversation twice, as two tabs do. */
async function openTwice(): Promise<readonly [OpenTranscript, OpenTranscript]> {
  const runtime = await StorageRuntime.start({ STORAGE: 'Memory' }, [memory])
  const open = async (): Promise<OpenTranscript> => {
    const transcript = new Transcript((lines) => (opened.lines = lines))
    const opened: OpenTranscript = { transcript, lines: [] }
    await transcript.open('tab', runtime)
    return opened
  }
  return [await open(), await open()]
}

test('a transcript keeps the last 200 lines, or fewer long ones, and always the last one', async () => {
  const [one, two] = await openTwice()
  for (let id = 1; id <= 205; id++) await one.transcript.put(line(id))
  await eventually(() => two.lines.map(({ at }) => at)).toEqual(
    Array.from({ length: 200 }, (_, index) => index + 6),
  )
  await one.transcript.put(line(206, { text: 'x'.repeat(300_000) }))
  await eventually(() => two.lines.map(({ at }) => at)).toEqual([206])
})

test('a transcript shows in other tabs that sending a line failed', async () => {
  const [one, two] = await openTwice()
  await one.transcript.put(line(1))
  await one.transcript.put(line(2))
  await one.transcript.put(line(1, { isFailed: true }))
  await eventually(() => two.lines).toEqual([line(1, { isFailed: true }), line(2)])
})

test('a transcript shows a line that it could not store, in order with the others', async () => {
  const shown: (readonly TranscriptLine[])[] = []
  const transcript = new Transcript((lines) => shown.push(lines))
  expect(await transcript.put(line(1))).toBe(false)
  const runtime = await StorageRuntime.start({ STORAGE: 'Memory' }, [memory])
  await transcript.open('tab', runtime)
  expect(await transcript.put(line(2))).toBe(true)
  expect(shown.at(-1)).toEqual([line(1), line(2)])
})
