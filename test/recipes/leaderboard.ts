import type { Store } from 'botshelf'

type Board = Store<Record<string, number>>

const toRank = (score: number, name: string) => `rank/${String(score).padStart(12, '0')}/${name}`

export async function addPoints(board: Board, name: string, points: number): Promise<number> {
  const score = await board.increment(`score/${name}`, points)
  const ranked = await board.get(`ranked/${name}`)
  if (ranked === score) return score // Another client has ranked it.
  const keys = [`score/${name}`, `ranked/${name}`, toRank(ranked ?? 0, name), toRank(score, name)]
  const isDone = await board.transaction(keys, (tx) => {
    if (tx.get(`score/${name}`) !== score || tx.get(`ranked/${name}`) !== ranked) return false
    tx.delete(toRank(ranked ?? 0, name))
    for (const key of [`ranked/${name}`, toRank(score, name)]) tx.set(key, score)
    return true
  })
  return isDone ? score : addPoints(board, name, 0)
}

export const topTen = (board: Board) => board.entries({ prefix: 'rank/', reverse: true, limit: 10 })
