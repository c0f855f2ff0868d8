import type { Store } from 'botshelf'

type Queues = Store<Record<string, string[]>>

export async function push(queues: Queues, name: string, job: string, max: number) {
  return queues.transaction([name], (tx) => {
    const jobs = tx.get(name) ?? []
    if (jobs.length < max) tx.set(name, [...jobs, job])
    return jobs.length < max
  })
}

export async function take(queues: Queues, name: string) {
  return queues.transaction([name], (tx) => {
    const [first, ...rest] = tx.get(name) ?? []
    if (first !== undefined) tx.set(name, rest)
    return first
  })
}
