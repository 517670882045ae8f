/**
 * Elementary functions on f64x2, without tables and without fused multiply-add, which WebAssembly does not have.
 *
 * Algorithms and polynomials are those of fdlibm (Sun Microsystems, 1993: https://www.netlib.org/fdlibm/), each
 * with an error below 1 ulp, rearranged so that both lanes take the same path: where fdlibm branches, both results are
 * computed and one is selected. Lanes outside the path's domain (huge arguments of sin, cos and tan, which need
 * Payne–Hanek reduction; bases of pow that are not positive and normal) call the scalar function, which V8 takes from
 * fdlibm as well.
 */
import type { Vector, VectorGraph } from './vectors.ts'

/** Index of an imported scalar function, by name and by what its operands are (doubles, if nothing is said). */
export type ScalarFunctions = (name: string, lane?: 'f64' | 'i64') => number

/** f64x2 arithmetic on a graph; numbers stand for constants. */
export class F64 {
  readonly g: VectorGraph
  readonly scalar: ScalarFunctions

  constructor(g: VectorGraph, scalar: ScalarFunctions) {
    this.g = g
    this.scalar = scalar
  }

  v = (x: Vector | { readonly c: number }): Vector => (typeof x === 'number' ? x : this.g.f64(x.c))
  add = (a: Operand, b: Operand): Vector => this.g.op('f64x2.add', this.v(a), this.v(b))
  sub = (a: Operand, b: Operand): Vector => this.g.op('f64x2.sub', this.v(a), this.v(b))
  mul = (a: Operand, b: Operand): Vector => this.g.op('f64x2.mul', this.v(a), this.v(b))
  div = (a: Operand, b: Operand): Vector => this.g.op('f64x2.div', this.v(a), this.v(b))
  lt = (a: Operand, b: Operand): Vector => this.g.op('f64x2.lt', this.v(a), this.v(b))
  gt = (a: Operand, b: Operand): Vector => this.g.op('f64x2.gt', this.v(a), this.v(b))
  ge = (a: Operand, b: Operand): Vector => this.g.op('f64x2.ge', this.v(a), this.v(b))
  eq = (a: Operand, b: Operand): Vector => this.g.op('f64x2.eq', this.v(a), this.v(b))
  ne = (a: Operand, b: Operand): Vector => this.g.op('f64x2.ne', this.v(a), this.v(b))
  neg = (a: Vector): Vector => this.g.op('f64x2.neg', a)
  abs = (a: Vector): Vector => this.g.op('f64x2.abs', a)
  and = (a: Vector, b: Vector): Vector => this.g.op('v128.and', a, b)
  or = (a: Vector, b: Vector): Vector => this.g.op('v128.or', a, b)
  xor = (a: Vector, b: Vector): Vector => this.g.op('v128.xor', a, b)
  not = (a: Vector): Vector => this.g.op('v128.not', a)
  select = (mask: Vector, yes: Operand, no: Operand): Vector => this.g.select(mask, this.v(yes), this.v(no))
  bits = (value: bigint): Vector => this.g.i64(value)

  /** Horner's rule; coefficients from the constant one up. */
  poly(x: Vector, ...coefficients: readonly number[]): Vector {
    let sum = this.g.f64(coefficients.at(-1) as number)
    for (const k of coefficients.slice(0, -1).reverse()) sum = this.add(c(k), this.mul(x, sum))
    return sum
  }

  /** The upper 32 bits of each double: a value with 21 significant bits, whose products are exact. */
  high(x: Vector): Vector {
    return this.and(x, this.bits(0xffffffff00000000n))
  }

  /** `round(x)` for |x| < 2^51, as a double and as an integer in the low bits of `bits`. */
  round(x: Vector): { readonly value: Vector; readonly bits: Vector } {
    const magic = 6755399441055744 // 1.5 × 2^52: adding it leaves the rounded integer in the low bits of the mantissa
    const bits = this.add(x, c(magic))
    return { value: this.sub(bits, c(magic)), bits }
  }

  /** `x × 2^k`, k an integer in the low bits of `kBits`, |k| < 2,200: in two steps, so that subnormal results round. */
  scale(x: Vector, kBits: Vector): Vector {
    const g = this.g
    const k = g.op('i64x2.sub', kBits, this.v(c(6755399441055744)))
    const half = g.shift('i64x2.shr_s', k, 1)
    const power = (n: Vector): Vector => g.shift('i64x2.shl', g.op('i64x2.add', n, this.bits(1023n)), 52)
    return this.mul(this.mul(x, power(half)), power(g.op('i64x2.sub', k, half)))
  }
}

/** A vector, or `c(number)` for a constant. */
export type Operand = Vector | { readonly c: number }
export const c = (value: number): { readonly c: number } => ({ c: value })

const ln2High = 6.9314718036912381649e-1
const ln2Low = 1.90821492927058770002e-10

/** e^x. fdlibm `e_exp.c`. */
export function exp(m: F64, x: Vector): Vector {
  // Beyond these bounds the result is 0 or infinite anyway; NaN passes through min and max.
  const bounded = m.g.op('f64x2.max', m.g.op('f64x2.min', x, m.v(c(710))), m.v(c(-746)))
  const k = m.round(m.mul(bounded, c(1.442695040888963387)))
  const hi = m.sub(bounded, m.mul(k.value, c(ln2High)))
  const lo = m.mul(k.value, c(ln2Low))
  return m.scale(expReduced(m, hi, lo), k.bits)
}

/** e^(hi − lo) for |hi| ≤ 0.35. */
function expReduced(m: F64, hi: Vector, lo: Vector): Vector {
  const r = m.sub(hi, lo)
  const t = m.mul(r, r)
  const p = m.poly(
    t,
    1.66666666666666019037e-1,
    -2.77777777770155933842e-3,
    6.61375632143793436117e-5,
    -1.6533902205465251539e-6,
    4.13813679705723846039e-8,
  )
  const u = m.sub(r, m.mul(t, p))
  return m.sub(c(1), m.sub(m.sub(lo, m.div(m.mul(r, u), m.sub(c(2), u))), hi))
}

/** The natural logarithm. fdlibm `e_log.c`. */
export function log(m: F64, x: Vector): Vector {
  const { k, f } = mantissa(m, x)
  const s = m.div(f, m.add(c(2), f))
  const z = m.mul(s, s)
  const w = m.mul(z, z)
  const even = m.mul(w, m.poly(w, 3.999999999940941908e-1, 2.222219843214978396e-1, 1.531383769920937332e-1))
  const odd = m.mul(
    z,
    m.poly(w, 6.66666666666673513e-1, 2.857142874366239149e-1, 1.818357216161805012e-1, 1.479819860511658591e-1),
  )
  const half = m.mul(m.mul(c(0.5), f), f)
  const tail = m.add(m.mul(s, m.add(half, m.add(even, odd))), m.mul(k, c(ln2Low)))
  const finite = m.sub(m.mul(k, c(ln2High)), m.sub(m.sub(half, tail), f))
  // log(inf) = inf and log(NaN) = NaN, which x itself is; log(±0) = −inf; log of a negative number is NaN.
  const large = m.select(m.lt(x, c(Number.POSITIVE_INFINITY)), finite, x)
  const zero = m.select(m.eq(x, c(0)), c(Number.NEGATIVE_INFINITY), large)
  return m.select(m.lt(x, c(0)), c(Number.NaN), zero)
}

/** x = 2^k (1 + f) with 1 + f between √½ and √2, for positive x; subnormals included. */
function mantissa(m: F64, x: Vector): { readonly k: Vector; readonly f: Vector } {
  const g = m.g
  const tiny = m.lt(x, c(2.2250738585072014e-308))
  const normal = m.select(tiny, m.mul(x, c(2 ** 54)), x)
  // Moves the exponent's boundary from 1 to √½: 0x3fe6a09e is the high word of √½.
  const shifted = g.op('i64x2.add', normal, m.bits(0x3ff0000000000000n - 0x3fe6a09e00000000n))
  const exponent = g.shift('i64x2.shr_s', shifted, 52)
  // An integer below 2^51 becomes a double by its place in the mantissa of 1.5 × 2^52.
  const magic = 6755399441055744
  const k = m.sub(g.op('i64x2.add', exponent, m.v(c(magic))), c(magic + 1023))
  const unscaled = m.select(tiny, m.sub(k, c(54)), k)
  const one = g.op('i64x2.add', m.and(shifted, m.bits(0x000fffffffffffffn)), m.bits(0x3fe6a09e00000000n))
  return { k: unscaled, f: m.sub(one, c(1)) }
}

/** Beyond this the Cody–Waite reduction below loses bits, and scalar functions take over. 2^20 π/2, as in fdlibm. */
const reductionLimit = 1647099

interface Reduced {
  /** x − n π/2 as an unevaluated sum; |y0| ≤ π/4. */
  readonly y0: Vector
  readonly y1: Vector
  /** n in the low bits. */
  readonly n: Vector
  /** Lanes that the scalar function has to compute. */
  readonly scalar: Vector
}

/**
 * Cody–Waite reduction: the product of n and the first 33 bits of π/2 is exact, and 53 more bits follow. fdlibm
 * `e_rem_pio2.c`, whose first step this is; where it would take another one, because x lies so near to a multiple of π/2 that more
 * than 16 bits cancel (one random argument in some 65,000), the scalar function takes over.
 */
function reduce(m: F64, x: Vector): Reduced {
  const n = m.round(m.mul(x, c(6.36619772367581382433e-1)))
  const r = m.sub(x, m.mul(n.value, c(1.57079632673412561417)))
  const w = m.mul(n.value, c(6.07710050650619224932e-11))
  const y0 = m.sub(r, w)
  const y1 = m.sub(m.sub(r, y0), w)
  const size = m.abs(x)
  const scalar = m.or(m.ge(size, c(reductionLimit)), m.lt(m.abs(y0), m.mul(size, c(2 ** -16))))
  return { y0, y1, n: n.bits, scalar }
}

/** fdlibm `k_sin.c`, on the reduced argument. */
function sinKernel(m: F64, { y0, y1 }: Reduced): Vector {
  const z = m.mul(y0, y0)
  const v = m.mul(z, y0)
  const r = m.poly(
    z,
    8.33333333332248946124e-3,
    -1.98412698298579493134e-4,
    2.75573137070700676789e-6,
    -2.50507602534068634195e-8,
    1.58969099521155010221e-10,
  )
  const corrected = m.sub(m.mul(z, m.sub(m.mul(c(0.5), y1), m.mul(v, r))), y1)
  return m.sub(y0, m.sub(corrected, m.mul(v, c(-1.66666666666666324348e-1))))
}

/** fdlibm `k_cos.c` (in the form of FreeBSD, without its branch), on the reduced argument. */
function cosKernel(m: F64, { y0, y1 }: Reduced): Vector {
  const z = m.mul(y0, y0)
  const w = m.mul(z, z)
  const low = m.mul(z, m.poly(z, 4.16666666666666019037e-2, -1.38888888888741095749e-3, 2.48015872894767294178e-5))
  const high = m.mul(m.mul(w, w), m.poly(z, -2.75573143513906633035e-7, 2.0875723212981748279e-9, -1.13596475577881948265e-11))
  const half = m.mul(c(0.5), z)
  const one = m.sub(c(1), half)
  const rest = m.sub(m.mul(z, m.add(low, high)), m.mul(y0, y1))
  return m.add(one, m.add(m.sub(m.sub(c(1), one), half), rest))
}

/** All bits set where bit `bit` of the integer is. */
function bitMask(m: F64, value: Vector, bit: number): Vector {
  return m.g.shift('i64x2.shr_s', m.g.shift('i64x2.shl', value, 63 - bit), 63)
}

const signBit = 0x8000000000000000n

/** sin x, x in radians. */
export function sin(m: F64, x: Vector): Vector {
  const reduced = reduce(m, x)
  const swapped = m.select(bitMask(m, reduced.n, 0), cosKernel(m, reduced), sinKernel(m, reduced))
  const sign = m.and(m.g.shift('i64x2.shl', reduced.n, 62), m.bits(signBit))
  return m.g.scalarCalls(m.scalar('sin'), [x], m.xor(swapped, sign), reduced.scalar)
}

/** cos x, x in radians. */
export function cos(m: F64, x: Vector): Vector {
  const reduced = reduce(m, x)
  const swapped = m.select(bitMask(m, reduced.n, 0), sinKernel(m, reduced), cosKernel(m, reduced))
  const next = m.g.op('i64x2.add', reduced.n, m.bits(1n))
  const sign = m.and(m.g.shift('i64x2.shl', next, 62), m.bits(signBit))
  return m.g.scalarCalls(m.scalar('cos'), [x], m.xor(swapped, sign), reduced.scalar)
}

/** tan x, x in radians. fdlibm `k_tan.c`. */
export function tan(m: F64, x: Vector): Vector {
  const reduced = reduce(m, x)
  const odd = bitMask(m, reduced.n, 0)
  // The reduction gives +0 for −0.
  const fast = m.select(m.eq(x, c(0)), x, tanKernel(m, reduced, odd))
  return m.g.scalarCalls(m.scalar('tan'), [x], fast, reduced.scalar)
}

function tanKernel(m: F64, reduced: Reduced, odd: Vector): Vector {
  // Near π/4 the argument is mirrored: tan(π/4 − t) = (1 − tan t)/(1 + tan t).
  const big = m.ge(m.abs(reduced.y0), c(0.67434))
  const sign = m.and(reduced.y0, m.bits(signBit))
  const mirrored = m.add(
    m.sub(c(7.85398163397448278999e-1), m.xor(reduced.y0, sign)),
    m.sub(c(3.06161699786838301793e-17), m.xor(reduced.y1, sign)),
  )
  const x = m.select(big, mirrored, reduced.y0)
  const y = m.select(big, c(0), reduced.y1)
  const z = m.mul(x, x)
  const w = m.mul(z, z)
  const t = [
    3.33333333333334091986e-1, 1.33333333333201242699e-1, 5.39682539762260521377e-2, 2.18694882948595424599e-2,
    8.86323982359930005737e-3, 3.59207910759131235356e-3, 1.45620945432529025516e-3, 5.88041240820264096874e-4,
    2.46463134818469906812e-4, 7.817944429395570923e-5, 7.14072491382608190305e-5, -1.85586374855275456654e-5,
    2.59073051863633712884e-5,
  ] as const
  const even = m.poly(w, t[1], t[3], t[5], t[7], t[9], t[11])
  const rest = m.mul(z, m.poly(w, t[2], t[4], t[6], t[8], t[10], t[12]))
  const s = m.mul(z, x)
  const r = m.add(m.add(y, m.mul(z, m.add(m.mul(s, m.add(even, rest)), y))), m.mul(s, c(t[0])))
  const sum = m.add(x, r)
  const unit = m.select(odd, c(-1), c(1))
  const folded = m.sub(unit, m.mul(c(2), m.add(x, m.sub(r, m.div(m.mul(sum, sum), m.add(sum, unit))))))
  const cotangent = negativeReciprocal(m, x, r, sum)
  return m.select(big, m.xor(folded, sign), m.select(odd, cotangent, sum))
}

/** −1/(x + r) to better than 1 ulp; `sum` is x + r rounded. */
function negativeReciprocal(m: F64, x: Vector, r: Vector, sum: Vector): Vector {
  const high = m.high(sum)
  const low = m.sub(r, m.sub(high, x))
  const quotient = m.div(c(-1), sum)
  const a = m.high(quotient)
  return m.add(a, m.mul(quotient, m.add(m.add(c(1), m.mul(a, high)), m.mul(a, low))))
}

/**
 * x^y as IEEE 754 and NumPy have it: unlike `Math.pow`, 1^NaN = 1 and (−1)^±inf = 1. fdlibm `e_pow.c` for positive
 * normal x and results in the range of normal numbers; everything else is left to the scalar function.
 */
export function pow(m: F64, x: Vector, y: Vector): Vector {
  const { t1, t2 } = log2Extended(m, x)
  const yHigh = m.high(y)
  const low = m.add(m.mul(m.sub(y, yHigh), t1), m.mul(y, t2))
  const high = m.mul(yHigh, t1)
  const z = m.add(low, high)
  const n = m.round(z)
  const rest = m.sub(high, n.value)
  const fast = m.scale(exp2Reduced(m, rest, low), n.bits)
  const domain = [
    m.ge(x, c(2.2250738585072014e-308)),
    m.lt(x, c(Number.POSITIVE_INFINITY)),
    m.lt(m.abs(z), c(1021)),
    // A huge y with x next to 1 would lose bits in the products above.
    m.lt(m.abs(y), c(2 ** 31)),
  ].reduce((a, b) => m.and(a, b))
  return m.g.scalarCalls(m.scalar('pow'), [x, y], fast, m.not(domain))
}

/** log2 x = t1 + t2 with about 70 bits; t1 has 21 significant bits. */
function log2Extended(m: F64, x: Vector): { readonly t1: Vector; readonly t2: Vector } {
  const g = m.g
  // x = 2^n a with a between √3/2 and √3, and `base` the nearer of 1 and 1.5.
  const threshold = 0x3febb67a00000000n // high word of √3/2
  const shifted = g.op('i64x2.add', x, m.bits(0x3ff0000000000000n - threshold))
  const magic = 6755399441055744
  const n = m.sub(g.op('i64x2.add', g.shift('i64x2.shr_s', shifted, 52), m.v(c(magic))), c(magic + 1023))
  const a = g.op('i64x2.add', m.and(shifted, m.bits(0x000fffffffffffffn)), m.bits(threshold))
  const upper = m.ge(a, c(1.224744871391589))
  const base = m.select(upper, c(1.5), c(1))
  const u = m.sub(a, base)
  const sum = m.add(a, base)
  const v = m.div(c(1), sum)
  const s = m.mul(u, v)
  const sHigh = m.high(s)
  const tHigh = m.high(sum)
  const tLow = m.sub(a, m.sub(tHigh, base))
  const sLow = m.mul(v, m.sub(m.sub(u, m.mul(sHigh, tHigh)), m.mul(sHigh, tLow)))
  const s2 = m.mul(s, s)
  const series = m.poly(
    s2,
    5.99999999999994648725e-1,
    4.28571428578550184252e-1,
    3.33333329818377432918e-1,
    2.72728123808534006489e-1,
    2.30660745775561754067e-1,
    2.06975017800338417784e-1,
  )
  const r = m.add(m.mul(m.mul(s2, s2), series), m.mul(sLow, m.add(sHigh, s)))
  const square = m.mul(sHigh, sHigh)
  const pHigh = m.high(m.add(m.add(c(3), square), r))
  const pLow = m.sub(r, m.sub(m.sub(pHigh, c(3)), square))
  const first = m.mul(sHigh, pHigh)
  const second = m.add(m.mul(sLow, pHigh), m.mul(pLow, s))
  const ph = m.high(m.add(first, second))
  const pl = m.sub(second, m.sub(ph, first))
  const zh = m.mul(c(9.61796700954437255859e-1), ph)
  const zl = m.add(
    m.add(m.mul(c(-7.02846165095275826516e-9), ph), m.mul(pl, c(9.61796693925975554329e-1))),
    m.select(upper, c(1.35003920212974897128e-8), c(0)),
  )
  const dp = m.select(upper, c(5.84962487220764160156e-1), c(0))
  const t1 = m.high(m.add(m.add(m.add(zh, zl), dp), n))
  return { t1, t2: m.sub(zl, m.sub(m.sub(m.sub(t1, n), dp), zh)) }
}

/** 2^(rest + low), |rest + low| ≤ ½. */
function exp2Reduced(m: F64, rest: Vector, low: Vector): Vector {
  const t = m.high(m.add(low, rest))
  const u = m.mul(t, c(6.93147182464599609375e-1))
  const v = m.add(m.mul(m.sub(low, m.sub(t, rest)), c(6.93147180559945286227e-1)), m.mul(t, c(-1.90465429995776804525e-9)))
  const z = m.add(u, v)
  const w = m.sub(v, m.sub(z, u))
  const z2 = m.mul(z, z)
  const p = m.poly(
    z2,
    1.66666666666666019037e-1,
    -2.77777777770155933842e-3,
    6.61375632143793436117e-5,
    -1.6533902205465251539e-6,
    4.13813679705723846039e-8,
  )
  const s = m.sub(z, m.mul(z2, p))
  const r = m.sub(m.div(m.mul(z, s), m.sub(s, c(2))), m.add(w, m.mul(z, w)))
  return m.sub(c(1), m.sub(r, z))
}
