/** Random expressions: what the kernels give against the reference interpreter. */
import fc from 'fast-check'
import { reduced } from '../reductions/table.ts'
import { expect, test } from 'vitest'
import * as da from '../index.ts'
import { NDArray } from '../ndarray/array.ts'
import * as build from '../expression/build.ts'
import { computeNodes } from '../ndarray/compute.ts'
import { bytesPer, type DType, dtypes, rawFrom, storedAs, typedArray } from '../expression/dtype.ts'
import { roundToHalf } from '../expression/half.ts'
import { operationNames, operations, rawOf, type OperationName, type Raw } from '../expression/elementwise.ts'
import { interpret } from './interpret.reference.ts'
import type { Node } from '../expression/node.ts'
import { broadcastShapes, sizeOf, type Shape } from '../expression/shape.ts'
import { indexView, transposeView } from '../expression/view.ts'
import { wrapBuffer } from '../ndarray/compute.ts'
import { runs } from '../../../test/support/runs.ts'

const special = [
  Number.NaN,
  Number.POSITIVE_INFINITY,
  Number.NEGATIVE_INFINITY,
  0,
  -0,
  1,
  -1,
  0.5,
  -2.5,
  1e300,
  5e-324,
  2 ** 31,
  -(2 ** 31),
  255.7,
]
const element: Record<DType, fc.Arbitrary<number | bigint>> = {
  f64: fc.oneof(fc.constantFrom(...special), fc.double(), fc.integer({ min: -100, max: 100 })),
  f32: fc.oneof(fc.constantFrom(...special.map(Math.fround)), fc.float()),
  i64: fc.oneof(fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n), fc.bigInt(-50n, 50n)),
  i32: fc.oneof(fc.integer(), fc.integer({ min: -9, max: 9 }), fc.constantFrom(-(2 ** 31), 2 ** 31 - 1)),
  u32: fc.oneof(fc.nat(2 ** 32 - 1), fc.nat(9)),
  f16: fc.oneof(fc.constantFrom(...special.map(roundToHalf)), fc.float().map(roundToHalf)),
  i16: fc.integer({ min: -32_768, max: 32_767 }),
  i8: fc.integer({ min: -128, max: 127 }),
  u64: fc.oneof(fc.bigInt(0n, 2n ** 64n - 1n), fc.bigInt(0n, 50n)),
  u16: fc.nat(65_535),
  u8: fc.nat(255),
  bool: fc.nat(1),
}
const shapes: readonly Shape[] = [[], [0], [1], [2], [3], [7], [4_097], [2, 3], [3, 1], [1, 3], [2, 1, 3], [3, 0], [5, 2, 2]]

function leafOf(dtype: DType, shape: Shape): fc.Arbitrary<Node> {
  const size = sizeOf(shape)
  // Long arrays repeat a few elements: generating thousands says nothing more.
  return fc.array(element[dtype], { minLength: Math.min(size, 1), maxLength: Math.min(size, 24) }).map((values) => {
    const data = typedArray(dtype, new SharedArrayBuffer(size * bytesPer(dtype)))
    for (let i = 0; i < size; i++) data[i] = storedAs(dtype, rawOf(dtype, values[i % values.length] as number | bigint)) as never
    return wrapBuffer(dtype, shape, data.buffer)
  })
}

const leaf: fc.Arbitrary<Node> = fc.tuple(fc.constantFrom(...dtypes), fc.constantFrom(...shapes)).chain(([dtype, shape]) =>
  fc.oneof(
    { weight: 6, arbitrary: leafOf(dtype, shape) },
    element[dtype].map((value) => build.full(shape, dtype, rawOf(dtype, value))),
    fc.constant(da.arange(-3, 4).node),
    fc.constant(da.random(shape, { seed: 7 }).node),
  ),
)

/** Operations whose result does not depend on rounding: equal bit by bit. */
const inexact: readonly OperationName[] = ['exp', 'log', 'sin', 'cos', 'tan', 'power']
const exact = operationNames.filter((name) => !inexact.includes(name))

function attempt(make: () => Node): Node | undefined {
  try {
    return make()
  } catch {
    return undefined
  }
}

type Step = (inputs: readonly [Node, Node, Node]) => Node | undefined
const axisOf = (node: Node, n: number): number => n % Math.max(1, node.shape.length)

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.constantFrom(...exact).map(
      (name): Step =>
        (inputs) =>
          attempt(() => build.map(name, inputs.slice(0, operations[name].arity))),
    ),
  },
  fc.constantFrom(...dtypes).map(
    (dtype): Step =>
      ([a]) =>
        build.cast(a, dtype),
  ),
  fc.tuple(fc.nat(2), fc.integer({ min: -9, max: 9 }), fc.integer({ min: -9, max: 9 }), fc.constantFrom(1, 2, -1, -3)).map(
    ([axis, start, stop, stride]): Step =>
      ([a]) =>
        a.shape.length === 0
          ? undefined
          : build.view(
              a,
              indexView(
                a.shape,
                a.shape.map((_, i) => (i === axisOf(a, axis) ? { start, stop, step: stride } : {})),
              ),
            ),
  ),
  fc.nat(2).map(
    (axis): Step =>
      ([a]) =>
        build.view(a, indexView(a.shape, [...a.shape.slice(0, axis).map(() => ({})), null])),
  ),
  fc.constant<Step>(([a]) =>
    build.view(
      a,
      transposeView(
        a.shape,
        a.shape.map((_, i) => a.shape.length - 1 - i),
      ),
    ),
  ),
  fc.constant<Step>(([a]) => build.reshape(a, [sizeOf(a.shape)])),
  fc.nat(2).map(
    (axis): Step =>
      ([a, b]) =>
        a.shape.length === 0 ? undefined : attempt(() => build.concat([a, b, a], axisOf(a, axis))),
  ),
  fc.tuple(fc.constantFrom('min', 'max', 'any', 'all', 'argmin', 'argmax'), fc.nat(2)).map(
    ([name, axis]): Step =>
      ([a]) =>
        attempt(() => reduced(name as 'min', a, a.shape.length === 0 ? [] : [axisOf(a, axis)])),
  ),
)

/** A program: leaves, and steps that pick earlier values. */
const expression: fc.Arbitrary<Node> = fc
  .tuple(fc.array(leaf, { minLength: 1, maxLength: 3 }), fc.array(fc.tuple(step, fc.nat(), fc.nat(), fc.nat()), { maxLength: 6 }))
  .map(([leaves, steps]) => {
    const values = [...leaves]
    for (const [apply, a, b, c] of steps) {
      const pick = (n: number): Node => values[n % values.length] as Node
      const next = apply([pick(a), pick(b), pick(c)])
      if (next && sizeOf(next.shape) < 20_000) values.push(next)
    }
    return values.at(-1) as Node
  })

async function elementsOf(node: Node): Promise<Raw[]> {
  const [dense] = await computeNodes([node], { threads: 0 })
  return Array.from(dense?.data as Iterable<Raw>, (raw) => rawFrom((dense as da.Dense).dtype, raw))
}

/** The first place where they differ, as text; undefined where there is none. */
function difference(got: readonly Raw[], expected: readonly Raw[]): string | undefined {
  if (got.length !== expected.length) return `${got.length} elements instead of ${expected.length}`
  const wrong = got.findIndex((value, i) => !Object.is(value, expected[i]))
  return wrong < 0 ? undefined : `[${wrong}] is ${String(got[wrong])} instead of ${String(expected[wrong])}`
}

test('kernels give what the interpreter gives, bit by bit', async () => {
  await fc.assert(
    fc.asyncProperty(expression, async (node) => {
      expect(difference(await elementsOf(node), interpret(node))).toBeUndefined()
    }),
    { numRuns: runs(50, 1_500) },
  )
}, 60_000)

test.each(exact)('%s is the same for every dtype, with special values', async (name) => {
  await fc.assert(
    fc.asyncProperty(
      fc
        .tuple(fc.constantFrom(...dtypes), fc.constantFrom(...dtypes), fc.constantFrom<Shape>([5], [31]))
        .chain(([a, b, shape]) => fc.tuple(leafOf(a, shape), leafOf(b, shape), leafOf(b, shape))),
      async (inputs) => {
        const node = attempt(() => build.map(name, inputs.slice(0, operations[name].arity)))
        if (!node) return
        expect(difference(await elementsOf(node), interpret(node))).toBeUndefined()
      },
    ),
    { numRuns: runs(6, 40) },
  )
})

test.each(inexact)('%s is close for every dtype', async (name) => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...dtypes).chain((dtype) => fc.tuple(leafOf(dtype, [9]), leafOf(dtype, [9]))),
      async (inputs) => {
        const node = build.map(name, inputs.slice(0, operations[name].arity))
        const [got, expected] = [await elementsOf(node), interpret(node)] as [number[], number[]]
        const width = node.dtype === 'f32' ? 2 ** -22 : 2 ** -50
        got.forEach((value, i) => {
          const wanted = expected[i] as number
          const near =
            Object.is(value, wanted) ||
            Math.abs(value - wanted) <= Math.abs(wanted) * width + (node.dtype === 'f32' ? 1e-44 : 2e-323)
          expect(near, `${name}: ${value} instead of ${wanted}`).toBe(true)
        })
      },
    ),
    { numRuns: runs(6, 100) },
  )
})

const reductions = ['sum', 'mean', 'var', 'std', 'prod'] as const
test.each(reductions)('%s over any axes is close, and exact for whole numbers', async (name) => {
  const small: fc.Arbitrary<Node> = fc.constantFrom<DType>('f64', 'f32', 'i64', 'i32', 'u32', 'u8', 'bool').chain((dtype) => {
    const whole: fc.Arbitrary<number | bigint> =
      dtype === 'i64'
        ? fc.bigInt(-9n, 9n)
        : dtype.startsWith('u')
          ? fc.nat(9)
          : dtype === 'bool'
            ? fc.nat(1)
            : fc.integer({ min: -9, max: 9 })
    return fc
      .tuple(
        fc.constantFrom<Shape>([5], [600, 3], [3, 600], [2, 3, 4], [1, 5, 1], [0], [0, 4], [4_099], [4, 70, 20]),
        fc.array(whole, { minLength: 40, maxLength: 40 }),
      )
      .map(([shape, values]) => {
        const data = typedArray(dtype, new SharedArrayBuffer(sizeOf(shape) * bytesPer(dtype)))
        for (let i = 0; i < data.length; i++) data[i] = rawOf(dtype, values[(i * 7) % 40] as number) as never
        return wrapBuffer(dtype, shape, data.buffer)
      })
  })
  await fc.assert(
    fc.asyncProperty(small, fc.subarray([0, 1, 2]), async (input, wanted) => {
      // Long products overflow, and then their order shows.
      fc.pre(name !== 'prod' || sizeOf(input.shape) < 100)
      const axes = wanted.filter((axis) => axis < input.shape.length)
      const node = reduced(name, input, axes)
      const [got, expected] = [await elementsOf(node), interpret(node)]
      got.forEach((value, i) => {
        const goal = expected[i] as number
        const tolerance =
          name === 'sum' ? 0 : 1e-12 * Math.abs(Number(goal)) + (node.dtype === 'f32' ? 1e-5 * Math.abs(Number(goal)) : 1e-14)
        expect(
          Object.is(value, goal) || Math.abs(Number(value) - Number(goal)) <= tolerance,
          `${name} ${input.dtype} [${input.shape}] over ${axes}: ${value}, not ${goal}`,
        ).toBe(true)
      })
    }),
    { numRuns: runs(6, 80) },
  )
})

test('shapes that do not fit are refused, naming both', () => {
  expect(() => da.ones([3, 4]).add(da.ones([2, 4]))).toThrow('Shapes (3, 4) and (2, 4) cannot be broadcast together')
  expect(broadcastShapes([2, 1, 3], [4, 1])).toEqual([2, 4, 3])
  expect(new NDArray(build.full([], 'f64', 1)).shape).toEqual([])
})
