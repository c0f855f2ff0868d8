import { expect, test } from 'vitest'
import { countIn, page, priceOf } from './support/prices.ts'

/** What is billed in a month. */
interface Usage {
  readonly requests?: number
  readonly rowsRead?: number
  readonly rowsWritten?: number
  readonly reads?: number
  readonly writes?: number
}

const FROM_WORKER = 'an object, from a Worker'
const INSIDE = 'inside an object'
const KV = 'Workers KV'

/** Returns what is used for messages that each start two `get` at once and then a write. */
function usageOf(backend: string, messages: number, write = '`increment`'): Usage {
  const count = (operation: string, unit: RegExp): number => countIn(backend, operation, unit)
  if (backend === KV) {
    return { reads: 2 * messages, writes: messages * count('`set`', /put/) }
  }
  const requests = count('500 `get` at once', /request/) + count(write, /request/)
  return {
    requests: messages * (backend === INSIDE ? 1 : requests),
    rowsRead: messages * (2 * count('`get`', /rows? read/) + count(write, /rows? read/)),
    rowsWritten: messages * count(write, /rows? written/),
  }
}

function gigabyteSeconds({ requests = 0 }: Usage): number {
  return requests * 0.01 * 0.128
}

function total(usage: Usage): string {
  const { requests, rowsRead, rowsWritten, reads, writes } = usage
  const sum =
    priceOf('requests (', requests) +
    priceOf('| duration', gigabyteSeconds(usage)) +
    priceOf('| rows read', rowsRead) +
    priceOf('| rows written', rowsWritten) +
    priceOf('reads, also', reads) +
    priceOf('| writes, deletions', writes)
  return `$${sum.toFixed(2)}`
}

test.each([FROM_WORKER, INSIDE, KV])(
  'docs/performance.md computes what a million messages cost from its tables: %s',
  (backend) => {
    const usage = usageOf(backend, 1e6)
    const { requests, rowsRead, rowsWritten, reads, writes } = usage
    const counts = [requests, rowsRead, rowsWritten, reads, writes].map((count) =>
      count === undefined ? '–' : `${count / 1e6} million`,
    )
    expect(page).toContain(`\n| ${[backend, ...counts, total(usage)].join(' | ')} |\n`)
  },
)

test('docs/performance.md computes the sums in its sentences from its tables', () => {
  const [fromWorker, inside, kv] = [FROM_WORKER, INSIDE, KV].map((name) => usageOf(name, 1e7))
  expect(page).toContain(
    `Ten million messages cost ${total(fromWorker ?? {})} from a Worker, ${total(inside ?? {})} inside an object, and ${total(kv ?? {})} on KV, of which ${total({ writes: kv?.writes ?? 0 })} are writes.`,
  )
  const seconds = gigabyteSeconds(usageOf(FROM_WORKER, 1e6)).toLocaleString('en')
  expect(page).toContain(`which is ${seconds} GB-s, and is included`)
  const [step = 0, update = 0] = ['`increment`', '`update`'].map((write) =>
    Number(total(usageOf(FROM_WORKER, 1e6, write)).slice(1)),
  )
  expect(page).toContain(`one more request per message: $${(update - step).toFixed(2)} more`)
})
