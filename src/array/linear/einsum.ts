/** Einstein's summation: parses the subscripts, and multiplies pair by pair in a good order. */
import { describe, InvalidOption } from '../../base/errors.ts'
import * as build from '../expression/build.ts'
import { type DType, promote } from '../expression/dtype.ts'
import { type Shape, showShape, sizeOf } from '../expression/shape.ts'
import type { AxisMap } from '../expression/view.ts'
import { checkArray, NDArray, type Rank } from '../ndarray/array.ts'
import { contractionOrder } from './contraction-order.ts'
import { matmul, wide } from './matmul.ts'

/** An operand whose axes are named, each name once. */
interface Term {
  readonly array: NDArray
  readonly indices: readonly string[]
}

/**
 * Sums of products as Einstein wrote them: indices that are not in the output are summed over. `'ij,jk->ik'` is the matrix product, `'ii->i'` a diagonal,
 * `'bij,bjk->bik'` a batch of products, `'...ij->...ji'` a transposition. Several operands are multiplied in the order with the fewest multiplications;
 * products run tile by tile on all cores, and everything that is not a product is one fused pass. Whole numbers below 64 bits are added as f64.
 *
 * @param subscripts a letter for each axis of each operand, `...` for those that are broadcast; without `->` the output has the indices that stand once, in
 *   the order of the alphabet
 * @param operands as many arrays as there are lists of indices
 * @throws {InvalidOption} when the subscripts do not fit the operands, or an operand is not an array of known lengths
 */
export function einsum(subscripts: string, ...operands: readonly NDArray<DType, Rank>[]): NDArray<DType, Rank> {
  const { inputs, output, lengths } = parse(subscripts, operands)
  let terms = operands.map((array, i) => withoutRepeats(array, inputs[i] as readonly string[]))
  const wanted = new Set(output)
  const needed = (index: string, others: readonly Term[]): boolean =>
    wanted.has(index) || others.some(({ indices }) => indices.includes(index))
  terms = terms.map((term, i) => summed(term, (index) => needed(index, terms.toSpliced(i, 1))))
  const order = contractionOrder(
    terms.map(({ indices }) => new Set(indices)),
    wanted,
    lengths,
  )
  for (const [i, j] of order) {
    const [a, b] = [terms[i] as Term, terms[j] as Term]
    const others = terms.filter((_, k) => k !== i && k !== j)
    terms = [...others, multiplied(a, b, (index) => needed(index, others), lengths)]
  }
  return arranged(terms[0] as Term, output)
}

interface Parsed {
  readonly inputs: readonly (readonly string[])[]
  readonly output: readonly string[]
  readonly lengths: ReadonlyMap<string, number>
}

function parse(subscripts: unknown, operands: readonly NDArray[]): Parsed {
  const refuse = (why: string): InvalidOption =>
    new InvalidOption(`The subscripts ${describe(subscripts)} of einsum cannot be used: ${why}`)
  if (typeof subscripts !== 'string') throw refuse('they are not text')
  const sides = subscripts.replaceAll(' ', '').split('->')
  if (sides.length > 2) throw refuse('`->` stands twice')
  const lists = (sides[0] as string).split(',')
  if (lists.length !== operands.length) throw refuse(`they have ${lists.length} lists of indices for ${operands.length} operands`)
  const shapes = operands.map((operand) => checkArray(operand, 'einsum').shape)
  const dots = lists.map((list, i) => (list.includes('...') ? (shapes[i] as Shape).length - (list.length - 3) : 0))
  const most = Math.max(0, ...dots)
  /** Names of the axes behind `...`, aligned at the end. */
  const named = (count: number): string[] => Array.from({ length: count }, (_, i) => `.${most - count + i}`)
  const expand = (list: string, count: number): string[] => {
    const [before = '', after = '', ...more] = list.split('...')
    if (more.length > 0 || !/^[A-Za-z]*$/.test(before + after))
      throw refuse(`${JSON.stringify(list)} is not made of letters and one \`...\``)
    return [...before, ...(list.includes('...') ? named(count) : []), ...after]
  }
  const inputs = lists.map((list, i) => {
    const count = dots[i] as number
    const indices = count < 0 ? [] : expand(list, count)
    if (count < 0 || indices.length !== (shapes[i] as Shape).length) {
      throw refuse(`operand ${i} has shape ${showShape(shapes[i] as Shape)}, and its indices are ${JSON.stringify(list)}`)
    }
    return indices
  })
  const lengths = lengthsOf(inputs, shapes, refuse)
  const all = inputs.flat()
  const once = [...new Set(all)].filter((index) => !index.startsWith('.') && all.indexOf(index) === all.lastIndexOf(index))
  const output = sides[1] === undefined ? [...named(most), ...once.sort()] : expand(sides[1], most)
  if (new Set(output).size < output.length) throw refuse('an index stands twice in the output')
  for (const index of output)
    if (!lengths.has(index)) throw refuse(`the index ${JSON.stringify(index)} of the output is in no operand`)
  if (sides[1] !== undefined && !sides[1].includes('...') && most > 0) throw refuse('the output lacks the `...` of the operands')
  return { inputs, output, lengths }
}

function lengthsOf(
  inputs: readonly (readonly string[])[],
  shapes: readonly Shape[],
  refuse: (why: string) => InvalidOption,
): Map<string, number> {
  const lengths = new Map<string, number>()
  inputs.forEach((indices, i) => {
    indices.forEach((index, axis) => {
      const length = (shapes[i] as Shape)[axis] as number
      if (Number.isNaN(length)) throw refuse(`operand ${i} has an unknown length: persist it first`)
      const known = lengths.get(index)
      if (known === undefined || known === 1) lengths.set(index, length)
      else if (known !== length && length !== 1)
        throw refuse(`the index ${JSON.stringify(index)} stands for ${known} and for ${length} elements`)
    })
  })
  return lengths
}

/** Each index once: of one that stands twice the diagonal. */
function withoutRepeats(array: NDArray, indices: readonly string[]): Term {
  const names = [...new Set(indices)]
  if (names.length === indices.length) return { array, indices }
  const longest = names.map((name) =>
    Math.max(...indices.map((index, axis) => (index === name ? (array.shape[axis] as number) : 0))),
  )
  const axes = indices.map((index, axis): AxisMap => {
    const from = names.indexOf(index)
    return array.shape[axis] === longest[from] ? { start: 0, step: 1, from } : { start: 0, step: 0, from: -1 }
  })
  return { array: new NDArray(build.view(array.node, { shape: longest, axes })), indices: names }
}

/** Sums over what nobody needs any more. */
function summed({ array, indices }: Term, needed: (index: string) => boolean): Term {
  const axes = [...indices.keys()].filter((axis) => !needed(indices[axis] as string))
  if (axes.length === 0) return { array, indices }
  return { array: array.sum({ axis: axes }), indices: indices.filter(needed) }
}

/** The product of two operands, summed over what only they have. */
function multiplied(a: Term, b: Term, needed: (index: string) => boolean, lengths: ReadonlyMap<string, number>): Term {
  const shared = a.indices.filter((index) => b.indices.includes(index))
  // A length of 1 is broadcast, which a product of matrices does not do along its inner axis.
  const whole = (term: Term, index: string): boolean => term.array.shape[term.indices.indexOf(index)] === lengths.get(index)
  const inner = shared.filter((index) => !needed(index) && whole(a, index) && whole(b, index))
  const batch = shared.filter((index) => !inner.includes(index))
  const rows = a.indices.filter((index) => !shared.includes(index))
  const columns = b.indices.filter((index) => !shared.includes(index))
  // Of the operand itself: a length of 1 may be one that a later operand stretches.
  const lengthsIn = (term: Term, indices: readonly string[]): number[] =>
    indices.map((index) => term.array.shape[term.indices.indexOf(index)] as number)
  if (inner.length === 0 || sizeOf(lengthsIn(a, rows)) === 1 || sizeOf(lengthsIn(b, columns)) === 1)
    return fused(a, b, [...batch, ...rows, ...columns, ...inner], needed)
  const indices = [...batch, ...rows, ...columns]
  const left = grouped(a, [batch, rows, inner])
  const right = grouped(b, [batch, inner, columns])
  const product = matmul(left, right)
  const shape = [...product.shape.slice(0, batch.length), ...lengthsIn(a, rows), ...lengthsIn(b, columns)]
  const array = String(shape) === String(product.shape) ? product : product.reshape(shape)
  return summed({ array, indices }, needed)
}

/** One pass: all products, added as they are made. */
function fused(a: Term, b: Term, indices: readonly string[], needed: (index: string) => boolean): Term {
  const [x, y] = [a, b].map((term) => expanded(term, indices)) as [NDArray, NDArray]
  const dtype = promote(x.dtype, y.dtype)
  return summed({ array: wide(x, dtype).multiply(wide(y, dtype)), indices }, needed)
}

/** All indices in this order; axes of length 1 for those that it does not have. */
function expanded({ array, indices }: Term, all: readonly string[]): NDArray {
  const order = all.filter((index) => indices.includes(index)).map((index) => indices.indexOf(index))
  return array.transpose(order).get(...all.map((index) => (indices.includes(index) ? ':' : null)))
}

/** The axes in this order, those of a group as one; the first group stays apart. */
function grouped({ array, indices }: Term, [batch, ...groups]: readonly (readonly string[])[]): NDArray {
  const order = [...(batch as readonly string[]), ...groups.flat()].map((index) => indices.indexOf(index))
  const moved = array.transpose(order)
  const lengths = (batch as readonly string[]).map((_, i) => moved.shape[i] as number)
  let at = lengths.length
  for (const group of groups) {
    lengths.push(sizeOf(moved.shape.slice(at, at + group.length)))
    at += group.length
  }
  return String(lengths) === String(moved.shape) ? moved : moved.reshape(lengths)
}

function arranged({ array, indices }: Term, output: readonly string[]): NDArray {
  return array.transpose(output.map((index) => indices.indexOf(index)))
}
