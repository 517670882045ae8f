/** How many ways there are to place n queens: the first two rows by forks of a worker function of itself. */
import { fork, workers } from 'heddle'
import { consent } from './program.mjs'

/** @typedef {{ n: number, row: number, columns: number, left: number, right: number }} Board Columns and diagonals taken, as bits. */

/** @param {Board} board @returns {number} */
function solve({ n, row, columns, left, right }) {
  if (row === n) return 1
  let found = 0
  for (let free = ((1 << n) - 1) & ~(columns | left | right); free !== 0; free &= free - 1) {
    const queen = free & -free
    found += solve({ n, row: row + 1, columns: columns | queen, left: (left | queen) << 1, right: (right | queen) >> 1 })
  }
  return found
}

/** The boards with one queen more. @param {Board} board */
function next({ n, row, columns, left, right }) {
  const boards = []
  for (let free = ((1 << n) - 1) & ~(columns | left | right); free !== 0; free &= free - 1) {
    const queen = free & -free
    boards.push({ n, row: row + 1, columns: columns | queen, left: (left | queen) << 1, right: (right | queen) >> 1 })
  }
  return boards
}

const total = (/** @type {readonly number[]} */ counts) => counts.reduce((sum, count) => sum + count, 0)

const contained = workers(
  import.meta.url,
  {
    /** @param {Board} board @returns {Promise<number>} */
    async place(board) {
      if (board.row >= 2) return solve(board)
      return total(await Promise.all(next(board).map((one) => fork(contained.place, one))))
    },
  },
  consent(import.meta.url),
)
export const byHand = { solveAll: (/** @type {Board[]} */ boards) => total(boards.map(solve)) }

/** @type {import('./program.mjs').Program<number, Board>} */
const common = {
  sizes: { small: 11, full: 12 },
  prepare: (n) => ({ n, row: 0, columns: 0, left: 0, right: 0 }),
  loop: solve,
  heddle: (board) => contained.place(board),
  async byHand(board, hand) {
    const boards = next(board).flatMap(next)
    const evens = boards.filter((_, i) => i % 2 === 0)
    const odds = boards.filter((_, i) => i % 2 === 1)
    return total(await Promise.all([hand.call(0, 'solveAll', [evens]), hand.call(1, 'solveAll', [odds])]))
  },
}

/** @type {Record<string, import('./program.mjs').Program>} */
export const programs = {
  'n queens': common,
  'n queens, deeper': {
    ...common,
    sizes: { small: 12, full: 13 },
    peers: { Go: { ask: ({ n }) => ({ job: 'queens', n }), expect: (found) => found } },
    wanted: { overLoop: 1.8 },
  },
}
