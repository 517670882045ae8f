// @ts-check
/**
 * Settles which thread runs which of the calls that a worker has offered: one cell of shared memory per offer. The pool takes from the front, the worker that offered
 * takes back from the end, and neither asks the other, so that a program whose main thread is busy holds up nobody.
 *
 * A cell holds two numbers of 16 bits: how many the pool has taken, and where those end that are still to be had.
 */

/** As many as one offer may have. */
export const mostOffered = 0x7fff
/** Offers of one worker that may be under way. Chosen: more than any machine has idle workers to take them at a time. */
export const offerCells = 64

/** @param {number} state */
const front = (state) => state >>> 16
/** @param {number} state */
const end = (state) => state & 0xffff

/** @param {Int32Array} cells @param {number} cell @param {number} count */
export function putUp(cells, cell, count) {
  Atomics.store(cells, cell, count)
}

/** How many are still to be had. @param {Int32Array} cells @param {number} cell */
export function left(cells, cell) {
  const state = Atomics.load(cells, cell)
  return end(state) - front(state)
}

/** How many the pool has taken, so far. @param {Int32Array} cells @param {number} cell */
export function takenByPool(cells, cell) {
  return front(Atomics.load(cells, cell))
}

/**
 * The pool's side: where what it gets begins, and how many.
 * @param {Int32Array} cells
 * @param {number} cell
 * @param {number} most
 */
export function takeFirst(cells, cell, most) {
  for (;;) {
    const state = Atomics.load(cells, cell)
    const from = front(state)
    const count = Math.min(most, end(state) - from)
    if (count <= 0) return { from, count: 0 }
    if (Atomics.compareExchange(cells, cell, state, state + count * 0x10000) === state) return { from, count }
  }
}

/**
 * The side of the worker: the position of the one that it gets; -1 when there is none.
 * @param {Int32Array} cells
 * @param {number} cell
 */
export function takeLast(cells, cell) {
  for (;;) {
    const state = Atomics.load(cells, cell)
    if (end(state) <= front(state)) return -1
    if (Atomics.compareExchange(cells, cell, state, state - 1) === state) return end(state) - 1
  }
}

/**
 * All that are left, from the end: where they begin and how many there are.
 * @param {Int32Array} cells
 * @param {number} cell
 */
export function takeRest(cells, cell) {
  for (;;) {
    const state = Atomics.load(cells, cell)
    const from = front(state)
    const count = end(state) - from
    if (count <= 0) return { from, count: 0 }
    if (Atomics.compareExchange(cells, cell, state, from * 0x10001) === state) return { from, count }
  }
}
