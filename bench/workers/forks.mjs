/** Worker functions that divide their work by recursion, and the same as plain functions. */
import { fork, map, workers } from 'heddle'

/** @param {number[]} board @param {number} column */
function safe(board, column) {
  const row = board.length
  for (let i = 0; i < row; i++) {
    const other = /** @type {number} */ (board[i])
    if (other === column || Math.abs(other - column) === row - i) return false
  }
  return true
}

/** @param {number} n @param {number[]} board */
function count(n, board) {
  if (board.length === n) return 1
  let sum = 0
  for (let column = 0; column < n; column++) {
    if (!safe(board, column)) continue
    board.push(column)
    sum += count(n, board)
    board.pop()
  }
  return sum
}

/** Rows that are divided among workers; the rest is a plain function. */
const dividedRows = 3

/** @param {Int32Array} cells @param {number} from @param {number} to */
function partition(cells, from, to) {
  const middle = (from + to) >> 1
  const [a, b, c] = /** @type {[number, number, number]} */ ([cells[from], cells[middle], cells[to - 1]])
  const pivot = Math.max(Math.min(a, b), Math.min(Math.max(a, b), c))
  let [i, j] = [from - 1, to]
  for (;;) {
    do i++
    while (/** @type {number} */ (cells[i]) < pivot)
    do j--
    while (/** @type {number} */ (cells[j]) > pivot)
    if (i >= j) return j + 1
    const other = /** @type {number} */ (cells[i])
    cells[i] = /** @type {number} */ (cells[j])
    cells[j] = other
  }
}

const shortest = 24
/** Shorter parts are sorted by the plain function. */
const undivided = 50_000

/** @param {Int32Array} cells @param {number} from @param {number} to */
function sortPlainly(cells, from, to) {
  while (to - from > shortest) {
    const middle = partition(cells, from, to)
    sortPlainly(cells, from, middle)
    from = middle
  }
  for (let i = from + 1; i < to; i++) {
    const value = /** @type {number} */ (cells[i])
    let j = i - 1
    for (; j >= from && /** @type {number} */ (cells[j]) > value; j--) cells[j + 1] = /** @type {number} */ (cells[j])
    cells[j + 1] = value
  }
}

/** @param {number} n @returns {number} */
export const fibPlain = (n) => (n < 2 ? n : fibPlain(n - 1) + fibPlain(n - 2))

export const functions = workers(import.meta.url, {
  /** @param {{ n: number, board: number[] }} place @returns {Promise<number>} */
  async queens({ n, board }) {
    if (board.length >= dividedRows) return count(n, board)
    const next = []
    for (let column = 0; column < n; column++) if (safe(board, column)) next.push({ n, board: [...board, column] })
    const counts = await map(next, functions.queens)
    return counts.reduce((a, b) => a + b, 0)
  },
  /** @param {{ n: number }} size */
  queensPlain: ({ n }) => count(n, []),

  /** @param {Int32Array} cells @param {number} from @param {number} to @returns {Promise<void>} */
  async sort(cells, from, to) {
    if (to - from < undivided) return sortPlainly(cells, from, to)
    const middle = partition(cells, from, to)
    const right = fork(functions.sort, cells, middle, to)
    await functions.sort(cells, from, middle)
    await right
  },
  /** @param {Int32Array} cells @param {number} from @param {number} to */
  sortPlain: (cells, from, to) => sortPlainly(cells, from, to),

  /** @param {number} n @returns {Promise<number>} */
  async fibForks(n) {
    if (n < 2) return n
    const right = fork(functions.fibForks, n - 2)
    return (await functions.fibForks(n - 1)) + (await right)
  },
  /** @param {number} n @returns {Promise<number>} */
  async fibCalls(n) {
    if (n < 2) return n
    const right = functions.fibCalls(n - 2)
    return (await functions.fibCalls(n - 1)) + (await right)
  },
  /** @param {number} count */
  async leaves(count) {
    const items = Array.from({ length: count }, (_, i) => i)
    return (await map(items, functions.double)).length
  },
  /** @param {number} count */
  async leavesPlain(count) {
    const items = Array.from({ length: count }, (_, i) => i)
    return (await map(items, (x) => 2 * x)).length
  },
  /** @param {number} x */
  double: (x) => 2 * x,
})
