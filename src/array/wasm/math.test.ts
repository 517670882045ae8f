/**
 * The 2 ulp of the elementary functions, against arithmetic with 1,300 bits in BigInt: fixed-point numbers with P bits
 * behind the point.
 */
import { expect, test } from 'vitest'
import { compileKernel } from '../kernel/compile.ts'
import { instantiate } from '../kernel/instance.ts'
import { blockLength, KernelProgram } from '../kernel/ir.ts'
import type { OperationName } from '../expression/elementwise.ts'
import { runs } from '../../../test/support/runs.ts'

const P = 1_300n
const one = 1n << P
const mul = (a: bigint, b: bigint): bigint => (a * b) >> P
const div = (a: bigint, b: bigint): bigint => (a << P) / b

function series(first: bigint, next: (term: bigint, i: bigint) => bigint): bigint {
  let sum = 0n
  let i = 0n
  for (let term = first; term !== 0n && term !== -1n; term = next(term, ++i)) sum += term
  return sum
}

/** 2 artanh(s), for the logarithm: 2 (s + s³/3 + …). */
function doubleArtanh(s: bigint): bigint {
  const square = mul(s, s)
  let power = s
  return (
    2n *
    series(s, (_, i) => {
      power = mul(power, square)
      return power / (2n * i + 1n)
    })
  )
}

const arctanInverse = (n: bigint): bigint => {
  let power = one / n
  return series(power, (_, i) => {
    power /= -n * n
    return power / (2n * i + 1n)
  })
}
const pi = 4n * (4n * arctanInverse(5n) - arctanInverse(239n)) // Machin 1706
const ln2 = doubleArtanh(one / 3n)

/** A double as mantissa × 2^exponent. */
function parts(x: number): { mantissa: bigint; exponent: bigint } {
  const bits = new BigUint64Array(new Float64Array([x]).buffer)[0] as bigint
  const biased = (bits >> 52n) & 0x7ffn
  const fraction = bits & 0xfffffffffffffn
  const magnitude = biased === 0n ? fraction : fraction | (1n << 52n)
  return { mantissa: x < 0 ? -magnitude : magnitude, exponent: (biased === 0n ? 1n : biased) - 1075n }
}

const shift = (value: bigint, by: bigint): bigint => (by >= 0n ? value << by : value >> -by)
const fixed = (x: number): bigint => {
  const { mantissa, exponent } = parts(x)
  return shift(mantissa, exponent + P)
}

/** value × 2^scale, with the value fixed-point. */
type Exact = { value: bigint; scale: bigint }

function exactExp(x: bigint): Exact {
  const scale = (x + ln2 / 2n) / ln2
  const r = x - scale * ln2
  return { value: series(one, (term, i) => mul(term, r) / i), scale }
}

function exactLog(x: number): bigint {
  const { mantissa, exponent } = parts(x)
  const bits = BigInt(mantissa.toString(2).length)
  const m = shift(mantissa, P - bits)
  return doubleArtanh(div(m - one, m + one)) + (exponent + bits) * ln2
}

function exactSinCos(x: number): { sin: bigint; cos: bigint } {
  // Shifting a huge x up needs no more bits of π than its own exponent: 1,300 cover 2^1024.
  const half = pi / 2n
  const value = fixed(x)
  const quadrant = (value + half / 2n) / half - (value + half / 2n < 0n ? 1n : 0n)
  const r = value - quadrant * half
  const square = mul(r, r)
  const sin = series(r, (term, i) => -mul(term, square) / (2n * i * (2n * i + 1n)))
  const cos = series(one, (term, i) => -mul(term, square) / (2n * i * (2n * i - 1n)))
  const q = ((quadrant % 4n) + 4n) % 4n
  return { sin: [sin, cos, -sin, -cos][Number(q)] as bigint, cos: [cos, -sin, -cos, sin][Number(q)] as bigint }
}

/** The distance of a double from the exact value, in units of the double's last place. */
function ulps(got: number, { value, scale }: Exact): number {
  const { mantissa, exponent } = parts(got)
  const difference = shift(mantissa, 64n) - shift(value, scale - P - exponent + 64n)
  return Math.abs(Number(difference)) / 2 ** 64
}

function compute(name: OperationName, ...args: readonly (readonly number[])[]): Float64Array {
  const program = new KernelProgram()
  const inputs = args.map(() => program.input('f64'))
  program.outputs.push({ value: program.operation(name, 'f64', 'f64', inputs) })
  const instance = instantiate(compileKernel(program))
  const result = new Float64Array(args[0]?.length ?? 0)
  for (let at = 0; at < result.length; at += blockLength) {
    args.forEach((values, i) => instance.input(i).set(values.slice(at, at + blockLength) as never[]))
    instance.run(Math.min(blockLength, result.length - at), at)
    result.set((instance.output(0) as Float64Array).subarray(0, Math.min(blockLength, result.length - at)), at)
  }
  return result
}

/** A generator of test arguments that is the same in every run. */
function* uniform(): Generator<number> {
  let state = 12_345
  for (;;) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    yield state / 2 ** 32
  }
}
const random = uniform()
const next = (): number => random.next().value as number
const between = (low: number, high: number): number => low + (high - low) * next() + (high - low) * next() * 2 ** -32
/** A double with any exponent in the range. */
const anyScale = (low: number, high: number): number => (1 + next() + next() * 2 ** -32) * 2 ** Math.floor(between(low, high))
const signed = (x: number): number => (next() < 0.5 ? -x : x)
const samples = (count: number, make: () => number): number[] => Array.from({ length: runs(count / 5, count) }, make)

const smallAngles = [
  1.5707963267948966,
  0.7853981633974483,
  3.141592653589793,
  6.283185307179586,
  1e-300,
  5e-324,
  6381956970095103 * 2 ** 797,
]
const angles = [
  ...smallAngles,
  ...samples(1_000, () => signed(anyScale(-30, 3))),
  ...samples(1_000, () => signed(anyScale(3, 20))),
  ...samples(400, () => signed(anyScale(20, 60))),
  ...samples(400, () => signed(anyScale(60, 1023))),
  // Next to multiples of π/2, where the reduction cancels.
  ...samples(500, () => Math.round(between(1, 1_000_000)) * (Math.PI / 2)),
]

const cases: readonly (readonly [OperationName, number[], (x: number) => Exact])[] = [
  ['sin', angles, (x) => ({ value: exactSinCos(x).sin, scale: 0n })],
  ['cos', angles, (x) => ({ value: exactSinCos(x).cos, scale: 0n })],
  [
    'tan',
    angles,
    (x) => {
      const { sin, cos } = exactSinCos(x)
      return { value: div(sin, cos), scale: 0n }
    },
  ],
  [
    'exp',
    [...samples(2_000, () => between(-745, 709.7)), ...samples(200, () => signed(anyScale(-60, 3)))],
    (x) => exactExp(fixed(x)),
  ],
  [
    'log',
    [
      ...samples(1_500, () => anyScale(-1074, 1023)),
      ...samples(300, () => between(0.5, 2)),
      5e-324,
      1 + 2 ** -52,
      1 - 2 ** -53,
      Number.MAX_VALUE,
    ],
    (x) => ({ value: exactLog(x), scale: 0n }),
  ],
]

test.each(cases)('%s is within 2 ulp over the whole range', (name, xs, exact) => {
  const got = compute(name, xs)
  const worst = xs.map((x, i) => ({ x, error: ulps(got[i] as number, exact(x)) })).reduce((a, b) => (a.error >= b.error ? a : b))
  expect(worst.error, `${name}(${worst.x})`).toBeLessThan(2)
})

test('pow is within 2 ulp over the whole range', () => {
  const pairs = [
    ...Array.from({ length: runs(300, 1_200) }, () => [anyScale(-10, 10), between(-60, 60)] as const),
    ...Array.from({ length: runs(200, 800) }, () => [between(0.5, 2), between(-900, 900)] as const),
    ...Array.from({ length: runs(100, 400) }, () => [anyScale(-1000, 1000), between(-1, 1)] as const),
    ...Array.from({ length: runs(50, 200) }, () => [1 + 2 ** -30 * next(), signed(anyScale(10, 38))] as const),
  ]
  const got = compute(
    'power',
    pairs.map(([x]) => x),
    pairs.map(([, y]) => y),
  )
  let worst = { x: 0, y: 0, error: 0 }
  pairs.forEach(([x, y], i) => {
    const result = got[i] as number
    if (!Number.isFinite(result) || Math.abs(result) < 2 ** -1074 * 4) return
    const error = ulps(result, exactExp(mul(fixed(y), exactLog(x))))
    if (error > worst.error) worst = { x, y, error }
  })
  expect(worst.error, `${worst.x} ** ${worst.y}`).toBeLessThan(2)
})

const special = [
  Number.NaN,
  Number.POSITIVE_INFINITY,
  Number.NEGATIVE_INFINITY,
  0,
  -0,
  1,
  -1,
  710,
  -746,
  5e-324,
  Number.MAX_VALUE,
  -Number.MAX_VALUE,
]

test.each(['sin', 'cos', 'tan', 'exp', 'log', 'sqrt'] as const)('%s has the right NaN, infinities and signed zeros', (name) => {
  const got = compute(name, special)
  special.forEach((x, i) => {
    const expected = Math[name](x)
    if (Number.isFinite(expected) && expected !== 0) return
    expect(Object.is(got[i], expected), `${name}(${x}) = ${got[i]}`).toBe(true)
  })
})

test('power follows IEEE 754 at special values', () => {
  const bases = special.flatMap((x) => special.map(() => x))
  const exponents = special.flatMap(() => special)
  const got = compute('power', bases, exponents)
  bases.forEach((x, i) => {
    const y = exponents[i] as number
    const expected = x === 1 || (x === -1 && Math.abs(y) === Number.POSITIVE_INFINITY) ? 1 : x ** y
    expect(
      Object.is(got[i], expected) || Math.abs((got[i] as number) / expected - 1) < 1e-15,
      `${x} ** ${y} = ${got[i]}, expected ${expected}`,
    ).toBe(true)
  })
})
