/** Factorizations against NumPy, and against what they promise: that the factors make the matrix again. */
import { expect, test } from 'vitest'
import { differencesFromNumpy, type NumpyCase } from '../../../test/support/numpy-cases.ts'
import { hasNumpy } from '../../../test/support/numpy.ts'
import * as da from '../index.ts'

const installed = hasNumpy()
const here = { threads: 0 } as const
const numbers = (seed: number, ...shape: number[]): da.NDArray<'f64', 'array'> => da.normal(shape, { seed })
const eye = (n: number): da.NDArray => da.arange(n).get(':', null).equal(da.arange(n)).astype('f64')
const largest = async (x: da.NDArray): Promise<number> => (x.size === 0 ? 0 : Number(await x.abs().max().compute(here)))

test.skipIf(!installed)('solutions, inverses, determinants, Cholesky and Q R as in NumPy', async () => {
  const inputs = {
    a: numbers(1, 130, 130),
    b: numbers(2, 130),
    c: numbers(3, 130, 200),
    batch: numbers(4, 3, 2, 5, 5),
    sides: numbers(5, 2, 5, 4),
    f: numbers(6, 20, 20).astype('f32'),
    spd: da.matmul(numbers(7, 150, 170), numbers(7, 150, 170).T),
    tall: numbers(8, 60, 20),
    wide: numbers(9, 20, 60),
    many: numbers(10, 4, 7, 3),
    ints: da.from(
      [
        [2, 1],
        [5, 3],
      ],
      { dtype: 'i32' },
    ),
    singular: da.from([
      [1, 2],
      [2, 4],
    ]),
    zeros: da.zeros([3, 3]),
    gap: da.from([
      [0, 1, 2],
      [0, 3, 4],
      [0, 5, 7],
    ]),
    none: da.zeros([0, 0]),
    flat: da.zeros([0, 3]),
    one: da.from([[-4]]),
  }
  const { a, b, c, batch, sides, f, spd, tall, wide, many, ints, singular, zeros, gap, none, flat, one } = inputs
  const L = 'np.linalg.'
  const loose = { within: 1e-9 }
  const cases: NumpyCase[] = [
    { python: `${L}solve(a, b)`, array: () => da.solve(a, b), ...loose },
    { python: `${L}solve(a, c)`, array: () => da.solve(a, c), ...loose },
    { python: `${L}solve(a.T, c[:, ::-1])`, array: () => da.solve(a.T, c.get(':', '::-1')), ...loose },
    { python: `${L}solve(batch, sides)`, array: () => da.solve(batch, sides), ...loose },
    { python: `${L}solve(f, f)`, array: () => da.solve(f, f), within: 1e-4 },
    { python: `${L}solve(ints, ints)`, array: () => da.solve(ints, ints) },
    { python: `${L}solve(singular, singular)`, array: () => da.solve(singular, singular) },
    { python: `${L}solve(none, none)`, array: () => da.solve(none, none) },
    { python: `${L}solve(one, one)`, array: () => da.solve(one, one) },
    { python: `${L}inv(a)`, array: () => da.inv(a), ...loose },
    { python: `${L}inv(batch)`, array: () => da.inv(batch), ...loose },
    { python: `${L}inv(zeros)`, array: () => da.inv(zeros) },
    { python: `${L}det(a / 10)`, array: () => da.det(a.divide(10)), ...loose },
    { python: `${L}det(batch)`, array: () => da.det(batch), ...loose },
    { python: `${L}det(ints)`, array: () => da.det(ints) },
    { python: `${L}det(singular)`, array: () => da.det(singular) },
    { python: `${L}det(none)`, array: () => da.det(none) },
    { python: `${L}det(f)`, array: () => da.det(f), within: 1e-4 },
    { python: `${L}slogdet(a).logabsdet`, array: () => da.slogdet(a).logabsdet },
    { python: `${L}slogdet(a).sign`, array: () => da.slogdet(a).sign },
    { python: `${L}slogdet(batch).sign`, array: () => da.slogdet(batch).sign },
    { python: `${L}slogdet(zeros).logabsdet`, array: () => da.slogdet(zeros).logabsdet },
    { python: `${L}slogdet(zeros).sign`, array: () => da.slogdet(zeros).sign },
    { python: `${L}cholesky(spd)`, array: () => da.cholesky(spd), ...loose },
    { python: `${L}cholesky(spd, upper=True)`, array: () => da.cholesky(spd, { upper: true }), ...loose },
    { python: `${L}cholesky(-spd)`, array: () => da.cholesky(spd.negative()) },
    { python: `${L}qr(tall)[0]`, array: () => da.qr(tall).q },
    { python: `${L}qr(tall)[1]`, array: () => da.qr(tall).r },
    { python: `${L}qr(wide)[0]`, array: () => da.qr(wide).q },
    { python: `${L}qr(wide)[1]`, array: () => da.qr(wide).r },
    { python: `${L}qr(tall, mode='complete')[0]`, array: () => da.qr(tall, { mode: 'complete' }).q },
    { python: `${L}qr(tall, mode='complete')[1]`, array: () => da.qr(tall, { mode: 'complete' }).r },
    { python: `${L}qr(wide, mode='complete')[1]`, array: () => da.qr(wide, { mode: 'complete' }).r },
    { python: `${L}qr(many)[0]`, array: () => da.qr(many).q },
    { python: `${L}qr(many)[1]`, array: () => da.qr(many).r },
    { python: `${L}qr(gap)[1]`, array: () => da.qr(gap).r },
    { python: `${L}qr(flat)[1]`, array: () => da.qr(flat).r },
    { python: `${L}svdvals(tall)`, array: () => da.svdvals(tall) },
    { python: `${L}svdvals(wide)`, array: () => da.svdvals(wide) },
    { python: `${L}svdvals(many)`, array: () => da.svdvals(many) },
    { python: `${L}svdvals(a)`, array: () => da.svdvals(a) },
    { python: `${L}svdvals(singular)`, array: () => da.svdvals(singular) },
    { python: `${L}svdvals(zeros)`, array: () => da.svdvals(zeros) },
    { python: `${L}svdvals(f)`, array: () => da.svdvals(f) },
    { python: `${L}svdvals(flat)`, array: () => da.svdvals(flat) },
    { python: `${L}eigvalsh(spd)`, array: () => da.eigvalsh(spd) },
    { python: `${L}eigvalsh(a)`, array: () => da.eigvalsh(a) },
    { python: `${L}eigvalsh(batch)`, array: () => da.eigvalsh(batch) },
    { python: `${L}eigvalsh(zeros)`, array: () => da.eigvalsh(zeros) },
    { python: `${L}eigvalsh(np.eye(4))`, array: () => da.eigvalsh(eye(4)) },
    { python: `${L}matrix_rank(gap)`, array: () => da.matrixRank(gap) },
    { python: `${L}matrix_rank(many)`, array: () => da.matrixRank(many) },
    { python: `${L}matrix_rank(zeros)`, array: () => da.matrixRank(zeros) },
    { python: `${L}pinv(tall)`, array: () => da.pinv(tall), ...loose },
    { python: `${L}pinv(many)`, array: () => da.pinv(many), ...loose },
    { python: `${L}pinv(singular)`, array: () => da.pinv(singular), ...loose },
    { python: `${L}pinv(zeros)`, array: () => da.pinv(zeros) },
    { python: `${L}pinv(flat)`, array: () => da.pinv(flat) },
    {
      python: `${L}lstsq(tall, tall[:, 0] * 2 + 1)[0]`,
      array: () => da.lstsq(tall, tall.get(':', 0).multiply(2).add(1)).x,
      ...loose,
    },
    {
      python: `${L}lstsq(tall, tall[:, :3] ** 2)[1]`,
      array: () => da.lstsq(tall, tall.get(':', ':3').square()).residuals,
      ...loose,
    },
    { python: `${L}lstsq(wide, wide[:, :3] ** 2)[0]`, array: () => da.lstsq(wide, wide.get(':', ':3').square()).x, ...loose },
    { python: `${L}lstsq(singular, np.ones(2))[0]`, array: () => da.lstsq(singular, da.ones(2)).x, ...loose },
    { python: `${L}matrix_power(ints, 5)`, array: () => da.matrixPower(ints, 5) },
    { python: `${L}matrix_power(batch, -3)`, array: () => da.matrixPower(batch, -3), within: 1e-7 },
    { python: `${L}matrix_power(a, 0)`, array: () => da.matrixPower(a, 0) },
    { python: `${L}cond(tall)`, array: () => da.cond(tall), ...loose },
  ]
  expect(await differencesFromNumpy(inputs, cases)).toEqual([])
})

test.skipIf(!installed)('norms', async () => {
  const inputs = {
    v: numbers(1, 30),
    a: numbers(2, 6, 9),
    batch: numbers(3, 4, 5, 3),
    ints: da.from(
      [
        [3, -4],
        [0, 12],
      ],
      { dtype: 'i32' },
    ),
    f: numbers(4, 5, 5).astype('f32'),
  }
  const { v, a, batch, ints, f } = inputs
  const orders = [1, 2, -1, -2, 0, 3, 0.5, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
  const text = (ord: number | string): string =>
    typeof ord === 'string' ? `'${ord}'` : String(ord).replace('Infinity', 'np.inf')
  const cases: NumpyCase[] = [
    ...orders.map((ord) => ({ python: `np.linalg.norm(v, ${text(ord)})`, array: () => da.norm(v, { ord }) })),
    ...orders.map((ord) => ({
      python: `np.linalg.norm(batch, ${text(ord)}, axis=1)`,
      array: () => da.norm(batch, { ord, axis: 1 }),
    })),
    ...([1, -1, 2, -2, 'fro', 'nuc', Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY] as const).flatMap((ord) => [
      { python: `np.linalg.norm(a, ${text(ord)})`, array: () => da.norm(a, { ord }) },
      { python: `np.linalg.norm(batch, ${text(ord)}, axis=(2, 0))`, array: () => da.norm(batch, { ord, axis: [2, 0] }) },
      {
        python: `np.linalg.matrix_norm(batch, ord=${text(ord)}, keepdims=True)`,
        array: () => da.matrixNorm(batch, { ord, keepdims: true }),
      },
    ]),
    { python: 'np.linalg.norm(batch)', array: () => da.norm(batch) },
    { python: 'np.linalg.norm(batch, keepdims=True)', array: () => da.norm(batch, { keepdims: true }) },
    {
      python: 'np.linalg.norm(batch, axis=(0, 1), keepdims=True)',
      array: () => da.norm(batch, { axis: [0, 1], keepdims: true }),
    },
    { python: 'np.linalg.vector_norm(batch, axis=(0, 2))', array: () => da.vectorNorm(batch, { axis: [0, 2] }) },
    { python: 'np.linalg.norm(ints, axis=0)', array: () => da.norm(ints, { axis: 0 }) },
    { python: 'np.linalg.norm(f, 2)', array: () => da.norm(f, { ord: 2 }) },
    { python: 'np.linalg.norm(f)', array: () => da.norm(f) },
  ]
  expect(await differencesFromNumpy(inputs, cases)).toEqual([])
})

test.each([
  [60, 20],
  [20, 60],
  [90, 90],
  [1, 5],
  [5, 1],
  [9_000, 7],
  [8_193, 3],
])('the factors of %d × %d make the matrix again, and are orthonormal', async (m, n) => {
  const a = await numbers(m + n, m, n).persist(here)
  const k = Math.min(m, n)
  const { q, r } = da.qr(a)
  expect(await largest(da.matmul(q, r).subtract(a))).toBeLessThan(1e-12)
  expect(await largest(da.matmul(q.T, q).subtract(eye(k)))).toBeLessThan(1e-12)
  const { u, s, vh } = da.svd(a)
  expect(await largest(da.matmul(u.multiply(s), vh).subtract(a))).toBeLessThan(1e-11)
  expect(await largest(da.matmul(u.T, u).subtract(eye(k)))).toBeLessThan(1e-12)
  expect(await largest(da.matmul(vh, vh.T).subtract(eye(k)))).toBeLessThan(1e-12)
  if (m > 1_000) return
  const whole = da.svd(a, { fullMatrices: true })
  expect([whole.u.shape, whole.vh.shape]).toEqual([
    [m, m],
    [n, n],
  ])
  expect(await largest(da.matmul(whole.u.T, whole.u).subtract(eye(m)))).toBeLessThan(1e-12)
  expect(await largest(da.matmul(whole.vh, whole.vh.T).subtract(eye(n)))).toBeLessThan(1e-12)
})

test('eigenvectors are those of their values, also where values are equal', async () => {
  const one = numbers(1, 80, 80)
  for (const a of [one.add(one.T), eye(6), da.zeros([4, 4]), eye(30).add(1), da.ones([1, 1])]) {
    const { eigenvalues, eigenvectors } = da.eigh(a)
    expect(await largest(da.matmul(a, eigenvectors).subtract(eigenvectors.multiply(eigenvalues)))).toBeLessThan(1e-12 * 200)
    expect(await largest(da.matmul(eigenvectors.T, eigenvectors).subtract(eye(a.shape[0] as number)))).toBeLessThan(1e-12)
  }
})

test('a compressed factorization finds the largest values of a matrix of low rank', async () => {
  const a = await da.matmul(numbers(1, 400, 5), numbers(2, 5, 300)).persist(here)
  const { u, s, vh } = da.svdCompressed(a, 5, { seed: 1 })
  expect(await largest(da.matmul(u.multiply(s), vh).subtract(a))).toBeLessThan(1e-9)
  expect(u.shape).toEqual([400, 5])
  const again = da.svdCompressed(a, 5, { seed: 1 })
  expect(((await again.s.compute(here)) as da.Dense).data).toEqual(((await s.compute(here)) as da.Dense).data)
})

test('what comes out of one factorization is computed once', async () => {
  const { u, s, vh } = da.svd(await numbers(1, 40, 30).persist(here))
  expect(
    da
      .matmul(u.multiply(s), vh)
      .explain()
      .match(/svd of/g),
  ).toHaveLength(1)
})

test('triangles', async () => {
  const l = da.cholesky(da.matmul(numbers(1, 70, 80), numbers(1, 70, 80).T))
  const b = numbers(2, 70, 3)
  expect(await largest(da.matmul(l, da.solveTriangular(l, b, { lower: true })).subtract(b))).toBeLessThan(1e-10)
  expect(await largest(da.matmul(l.T, da.solveTriangular(l.T, b)).subtract(b))).toBeLessThan(1e-10)
})

test('matrices that have no factors are refused by name, also from other threads', async () => {
  const refused = (x: da.NDArray): Promise<unknown> =>
    expect(x.compute(here)).rejects.toMatchObject({ name: 'MatrixRefused', code: 'HEDDLE_MATRIX_REFUSED' })
  const nan = da.from([
    [Number.NaN, 1],
    [1, 2],
  ])
  await refused(
    da.inv(
      da.from([
        [1, 2],
        [2, 4],
      ]),
    ),
  )
  await refused(
    da.cholesky(
      da.from([
        [1, 2],
        [2, 1],
      ]),
    ),
  )
  await refused(da.svdvals(nan))
  await refused(da.eigvalsh(nan))
  await expect(da.inv(da.zeros([400, 400])).compute()).rejects.toMatchObject({ name: 'MatrixRefused' })
  expect(await da.det(nan).compute(here)).toBeNaN()
  expect(() => da.inv(da.zeros([2, 3]))).toThrow('Expected inv to get square matrices, got shape (2, 3)')
  expect(() => da.solve(eye(3), da.zeros([2]))).toThrow('Shapes (3, 3) and (2,) do not make a system of equations')
  expect(() => da.qr(da.zeros([3]))).toThrow('Expected qr to get a matrix')
  expect(() => da.svd(da.zeros([3, 3]), { full: true } as never)).toThrow('Unknown option `full`')
  expect(() => da.svdCompressed(eye(3), 4)).toThrow('`k` from 1')
  expect(() => da.norm(eye(3), { axis: [0, 0] })).toThrow('each axis once')
  expect(() => da.matrixNorm(eye(3), { ord: 7 })).toThrow("to be 'fro'")
  expect(() => da.eigh(da.unique(eye(3)).get(':', null))).toThrow('known lengths')
})

test('a factorization stops when it is cancelled', async () => {
  const stop = new AbortController()
  const a = await numbers(1, 600, 600).persist(here)
  setTimeout(() => stop.abort(), 20)
  await expect(da.svdvals(a).compute({ signal: stop.signal })).rejects.toMatchObject({ name: 'Cancelled' })
})
