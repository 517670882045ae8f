/** Functions of blocks of several arrays whose axes are named, as Dask's `blockwise`. */
import { describe, InvalidOption } from '../../base/errors.ts'
import { checkFunction, checkOptions, rules } from '../../base/options.ts'
import * as build from '../expression/build.ts'
import { checkDType, type DType, dtypeRule } from '../expression/dtype.ts'
import { type AxisGrid, blocksOf, type Box, EqualBlocks, type Grid, viewOfBox } from '../expression/grid.ts'
import type { BlockMaker, Node } from '../expression/node.ts'
import { showShape } from '../expression/shape.ts'
import { checkArray, type NDArray, type Rank } from '../ndarray/array.ts'
import { type BlockResult, callBlock, concurrencyOf, infoOf } from './block-function.ts'
import { blocksArray } from './map-blocks.ts'

/** Options of {@link blockwise}. */
export interface BlockwiseOptions<E extends DType = DType> {
  /** What the function gives. @default that of the first array */
  readonly dtype?: E
  /** Lengths of the axes that only the output has, each one block. @default none */
  readonly newAxes?: Readonly<Record<string, number>>
  /** Calls at once at most. @default twice the threads of a worker function, at least 4 */
  readonly concurrency?: number
}

/**
 * Calls `fn` for each block of the output with the blocks of the arrays that lie there by the names of their axes. Along a name that the output lacks an array
 * is given whole: `blockwise('ik', product, [a, 'ij', b, 'jk'])` sees rows of `a` and columns of `b`.
 *
 * @param output a letter for each axis of the output
 * @param fn gets a block of each array, then which block it is; gives the block of the output
 * @param operands arrays, each followed by its letters; the first array with a letter says its blocks
 * @throws {InvalidOption} when letters and axes do not fit, lengths differ, or for a wrong option; in `compute` when what `fn` gives does not fit
 * @example
 * const distances = blockwise('ij', pairwise, [points, 'ik', centres, 'jk'])
 */
export function blockwise<E extends DType = DType>(
  output: string,
  fn: (...blocks: never[]) => BlockResult | PromiseLike<BlockResult>,
  operands: readonly (NDArray<DType, Rank> | string)[],
  options: BlockwiseOptions<E> = {},
): NDArray<E, 'array'> {
  const where = 'blockwise'
  checkFunction(fn, 'fn', where)
  checkOptions<BlockwiseOptions<E>>(options, { dtype: dtypeRule, newAxes: rules.object, concurrency: rules.whole(1) }, where)
  if (!Array.isArray(operands))
    throw new InvalidOption(`Expected blockwise to get a list of arrays and their letters, got ${describe(operands)}`)
  const arrays = operands.filter((_, i) => i % 2 === 0).map((array) => checkArray(array, where))
  const letters = operands.filter((_, i) => i % 2 === 1)
  const [first] = arrays
  if (
    !first ||
    letters.length !== arrays.length ||
    ![output, ...letters].every((text) => typeof text === 'string' && /^[A-Za-z]*$/.test(text))
  ) {
    throw new InvalidOption('Expected blockwise to get letters for the output, and a list of arrays each followed by its letters')
  }
  const names = letters as string[]
  const grids = gridsOf(arrays, names, options.newAxes ?? {})
  const outputs = [...output]
  if (new Set(outputs).size < outputs.length)
    throw new InvalidOption(`Expected the letters of the output of blockwise to differ, got '${output}'`)
  const grid: Grid = outputs.map((name) => {
    const axis = grids.get(name)
    if (axis) return axis
    throw new InvalidOption(`The letter '${name}' of the output of blockwise is in no array`, {
      hint: `Give its length: \`newAxes: { ${name}: 1 }\`.`,
    })
  })
  const dtype = checkDType(options.dtype ?? first.dtype, 'dtype') as E
  const maker: BlockMaker = {
    label: `${(fn as { name?: string }).name || 'function'} of blocks of ${arrays.map(({ shape }) => showShape(shape)).join(' and ')}`,
    concurrency: options.concurrency ?? concurrencyOf(fn),
    parts: (inputs, box) => inputs.map((input, i) => partFor(input, names[i] as string, outputs, box)),
    make: ({ index, box, parts, cancellation }) => callBlock({ fn, where, dtype }, parts, infoOf(index, box), cancellation),
  }
  return blocksArray(
    maker,
    arrays.map(({ node }) => node),
    grid,
    dtype,
  )
}

function gridsOf(
  arrays: readonly NDArray[],
  letters: readonly string[],
  newAxes: Readonly<Record<string, number>>,
): Map<string, AxisGrid> {
  const grids = new Map<string, AxisGrid>()
  arrays.forEach((array, i) => {
    const names = [...(letters[i] as string)]
    if (names.length !== array.ndim || new Set(names).size < names.length) {
      throw new InvalidOption(
        `Expected a letter of its own for each axis of shape ${showShape(array.shape)}, got '${letters[i]}'`,
      )
    }
    blocksOf(array.node, 'blockwise').forEach((axis, at) => {
      const name = names[at] as string
      const known = grids.get(name)
      if (!known || known.length === 1) grids.set(name, axis)
      else if (known.length !== axis.length && axis.length !== 1) {
        throw new InvalidOption(`The letter '${name}' of blockwise stands for ${known.length} and for ${axis.length} elements`)
      }
    })
  })
  for (const [name, length] of Object.entries(newAxes)) {
    if (!Number.isSafeInteger(length) || length < 1)
      throw new InvalidOption(`Expected \`newAxes.${name}\` of blockwise to be a whole number from 1 up, got ${describe(length)}`)
    grids.set(name, new EqualBlocks(length, length))
  }
  return grids
}

/** Where the output has the letter the block, else all; an axis of one element is the same for all blocks. */
function partFor(input: Node, letters: string, outputs: readonly string[], box: Box): Node {
  const at = [...letters].map((name) => outputs.indexOf(name))
  const whole = (axis: number): boolean => (at[axis] as number) < 0 || input.shape[axis] === 1
  return build.view(
    input,
    viewOfBox({
      start: input.shape.map((_, axis) => (whole(axis) ? 0 : (box.start[at[axis] as number] as number))),
      stop: input.shape.map((length, axis) => (whole(axis) ? length : (box.stop[at[axis] as number] as number))),
    }),
  )
}
