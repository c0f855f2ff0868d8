import type { Store } from 'botshelf'

type Board = Store<Record<string, number>>

const toRank = (score: number, name: string) => `rank/${String(score).padStart(12, '0')}/${name}`

export async function addPoints(board: Board, name: string, points: number): Promise<number> {
  const before = (await board.get(`score/${name}`)) ?? 0
  const score = before + points
  const keys = [`score/${name}`, toRank(before, name), toRank(score, name)]
  const isDone = await board.transaction(keys, (tx) => {
    if ((tx.get(`score/${name}`) ?? 0) !== before) return false // Another client was faster.
    tx.delete(toRank(before, name))
    tx.set(`score/${name}`, score)
    tx.set(toRank(score, name), score)
    return true
  })
  return isDone ? score : addPoints(board, name, points)
}

export const topTen = (board: Board) => board.entries({ prefix: 'rank/', reverse: true, limit: 10 })
