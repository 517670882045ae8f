/**
 * The functions of selection, shapes, order and statistics, on every dtype, on empty, single and larger arrays and on views that do not lie in C
 * order, against NumPy: values and shapes are equal, and what NumPy refuses is refused.
 */
import { expect, test } from 'vitest'
import { hasNumpy, numpyNames as names, runNumpy } from '../../../test/support/numpy.ts'
import { randomFrom } from '../../../test/support/random.ts'
import { runs } from '../../../test/support/runs.ts'
import * as da from '../index.ts'

const installed = hasNumpy()
const here = { threads: 0 } as const
type Any = da.NDArray<da.DType, 'array'>

/** One function: in NumPy, and here. `d` is the dtype of `x`, `n` its first length. */
interface Case {
  readonly python: string
  readonly make: (x: Any) => da.NDArray<da.DType, da.Rank>
  /** Only for these. */
  readonly when?: (dtype: da.DType, shape: readonly number[]) => boolean
  /** Relative to the largest element of the result. */
  readonly tolerance?: number
}

const rank =
  (least: number, most = 9) =>
  (_: da.DType, shape: readonly number[]) =>
    shape.length >= least && shape.length <= most
const filled = (_: da.DType, shape: readonly number[]): boolean => !shape.includes(0)
const both =
  (...conditions: readonly NonNullable<Case['when']>[]): NonNullable<Case['when']> =>
  (dtype, shape) =>
    conditions.every((condition) => condition(dtype, shape))
const floats = (dtype: da.DType): boolean => dtype.startsWith('f')
const signed = (dtype: da.DType): boolean => dtype !== 'bool'
const whole = (dtype: da.DType): boolean => !floats(dtype) && dtype !== 'bool'
/** Sums of the shortest floats differ in more than their last digit where NumPy adds them as they are. */
const long = (dtype: da.DType): boolean => dtype !== 'f16' && dtype !== 'f32'
const row = (x: Any): Any => da.sort(x.reshape(-1))

const cases: readonly Case[] = [
  // Selection
  { python: 'np.take(x, [0, -1, 0])', make: (x) => da.take(x, [0, -1, 0]), when: filled },
  {
    python: 'np.take(x, [[0, -1], [0, 0]], axis=0)',
    make: (x) =>
      da.take(
        x,
        da.from(
          [
            [0, -1],
            [0, 0],
          ],
          { dtype: 'i8' },
        ),
        { axis: 0 },
      ),
    when: filled,
  },
  {
    python: 'np.take(x, [1, 0, -2], axis=-1)',
    make: (x) => da.take(x, [1, 0, -2], { axis: -1 }),
    when: (_, shape) => (shape.at(-1) ?? 0) > 1 && filled('f64', shape),
  },
  { python: 'x[[0, -1, 0]]', make: (x) => x.get([0, -1, 0]), when: filled },
  { python: 'x[..., [0, 0]]', make: (x) => x.get('...', [0, 0]), when: filled },
  { python: 'x[[0, 0], 0]', make: (x) => x.get([0, 0], 0), when: both(filled, rank(2)) },
  { python: 'x[0, :, [0, 0]]', make: (x) => x.get(0, ':', [0, 0]), when: both(filled, rank(3)) },
  { python: 'x[:, 0, [0, 0]]', make: (x) => x.get(':', 0, [0, 0]), when: both(filled, rank(3)) },
  { python: 'x[[0, 0], ::-1]', make: (x) => x.get([0, 0], '::-1'), when: both(filled, rank(2)) },
  {
    python: 'x[[[0], [0]], :, [[0, 0]]]',
    make: (x) => x.get(da.from([[0], [0]]), ':', da.from([[0, 0]])),
    when: both(filled, rank(3)),
  },
  { python: 'x[None, [0, 0]]', make: (x) => x.get(null, [0, 0]), when: filled },
  {
    python: 'x[np.arange(x.shape[0]) % 2 == 0]',
    make: (x) =>
      x.get(
        da
          .arange(x.shape[0] as number)
          .remainder(2)
          .equal(0),
      ),
    when: rank(1),
  },
  {
    python: 'x[..., np.arange(x.shape[-1]) % 2 == 1]',
    make: (x) =>
      x.get(
        '...',
        da
          .arange(x.shape.at(-1) as number)
          .remainder(2)
          .equal(1),
      ),
    when: rank(1),
  },
  { python: 'x[x > 1]', make: (x) => x.get(x.greater(1)) },
  {
    python: 'np.take_along_axis(x, np.argsort(x, axis=-1, kind="stable"), axis=-1)',
    make: (x) => da.takeAlongAxis(x, da.argsort(x)),
    when: rank(1),
  },
  {
    python: 'np.take_along_axis(x, np.argsort(x, axis=0, kind="stable"), axis=0)',
    make: (x) => da.takeAlongAxis(x, da.argsort(x, { axis: 0 }), { axis: 0 }),
    when: rank(1),
  },
  { python: 'np.nonzero(x)[-1]', make: (x) => da.nonzero(x).at(-1) as Any },
  { python: 'np.nonzero(x)[0]', make: (x) => da.where(x)[0] as Any },
  { python: 'np.argwhere(x)', make: (x) => da.argwhere(x) },
  { python: 'np.flatnonzero(x)', make: (x) => da.flatnonzero(x) },
  {
    python: 'np.compress(np.arange(x.shape[-1]) % 2 == 0, x, axis=-1)',
    make: (x) =>
      da.compress(
        da
          .arange(x.shape.at(-1) as number)
          .remainder(2)
          .equal(0),
        x,
        { axis: -1 },
      ),
  },
  { python: 'np.searchsorted(np.sort(x.ravel()), x)', make: (x) => da.searchsorted(row(x), x) },
  { python: 'np.searchsorted(np.sort(x.ravel()), x, side="right")', make: (x) => da.searchsorted(row(x), x, { side: 'right' }) },
  { python: 'np.isin(x, [1, 3])', make: (x) => da.isin(x, [1, 3]) },
  { python: 'np.isin(x, x[:1])', make: (x) => da.isin(x, x.get(':1')) },
  { python: 'put(x, (slice(None, None, 2),), 1)', make: (x) => x.set(['::2'], x.dtype === 'bool' ? true : 1) },
  { python: 'put(x, (..., 0), x[..., -1])', make: (x) => x.set(['...', 0], x.get('...', -1)), when: filled },
  { python: 'put(x, x > 1, 0)', make: (x) => x.set(x.greater(1), x.dtype === 'bool' ? false : 0) },
  { python: 'put(x, x > 1, x[x > 1][::-1])', make: (x) => x.set(x.greater(1), da.flip(x.get(x.greater(1)))), when: () => false },
  { python: 'put(x, ([0, -1, 0],), x[[0, 0, 0]])', make: (x) => x.set([[0, -1, 0]], x.get([0, 0, 0])), when: filled },
  {
    python: 'put(x, (slice(None), [0, 0]), x[:, :1])',
    make: (x) => x.set([':', [0, 0]], x.get(':', ':1')),
    when: both(filled, rank(2)),
  },
  // Shapes
  ...[0, 1, 3, -2].map((shift): Case => ({ python: `np.roll(x, ${shift})`, make: (x) => da.roll(x, shift) })),
  { python: 'np.roll(x, (1, -1), axis=(0, -1))', make: (x) => da.roll(x, [1, -1], { axis: [0, -1] }) },
  { python: 'np.flip(x)', make: (x) => da.flip(x) },
  { python: 'np.flip(x, 0)', make: (x) => da.flip(x, 0) },
  ...[0, 1, 2, 3, -1].map((k): Case => ({ python: `np.rot90(x, ${k})`, make: (x) => da.rot90(x, k), when: rank(2) })),
  { python: 'np.repeat(x, 2)', make: (x) => da.repeat(x, 2) },
  { python: 'np.repeat(x, 3, axis=-1)', make: (x) => da.repeat(x, 3, { axis: -1 }) },
  {
    python: 'np.repeat(x, np.arange(x.shape[0]) % 3, axis=0)',
    make: (x) =>
      da.repeat(
        x,
        Array.from({ length: x.shape[0] as number }, (_, i) => i % 3),
        { axis: 0 },
      ),
  },
  { python: 'np.tile(x, 2)', make: (x) => da.tile(x, 2) },
  { python: 'np.tile(x, (2, 1, 3))', make: (x) => da.tile(x, [2, 1, 3]) },
  { python: 'np.broadcast_to(x, (2,) + x.shape)', make: (x) => da.broadcastTo(x, [2, ...x.shape]) },
  { python: 'np.expand_dims(x, (0, -1))', make: (x) => da.expandDims(x, [0, -1]) },
  { python: 'np.squeeze(x)', make: (x) => da.squeeze(x) },
  { python: 'np.moveaxis(x, 0, -1)', make: (x) => da.moveaxis(x, 0, -1) },
  { python: 'np.swapaxes(x, 0, -1)', make: (x) => da.swapaxes(x, 0, -1) },
  { python: 'np.pad(x, 2)', make: (x) => da.pad(x, 2) },
  { python: 'np.pad(x, (1, 2), constant_values=1)', make: (x) => da.pad(x, [1, 2], { value: x.dtype === 'bool' ? true : 1 }) },
  ...(['edge', 'reflect', 'symmetric', 'wrap'] as const).map((mode): Case => ({
    python: `np.pad(x, (3, 5), mode="${mode}")`,
    make: (x) => da.pad(x, [3, 5], { mode }),
    when: filled,
  })),
  { python: 'np.unstack(x)[-1]', make: (x) => da.unstack(x).at(-1) as Any, when: (_, shape) => (shape[0] ?? 0) > 0 },
  { python: 'np.array_split(x, 3)[1]', make: (x) => da.split(x, 3)[1] as Any },
  { python: 'np.tril(x, 1)', make: (x) => da.tril(x, 1), when: rank(2) },
  { python: 'np.triu(x, -1)', make: (x) => da.triu(x, -1), when: rank(2) },
  ...[0, 1, -1, 9].map((k): Case => ({
    python: `np.diagonal(x, ${k}, -2, -1)`,
    make: (x) => da.diagonal(x, { offset: k }),
    when: rank(2),
  })),
  ...[0, 2, -1].map((k): Case => ({ python: `np.diag(x, ${k})`, make: (x) => da.diag(x, k), when: rank(1, 2) })),
  { python: 'np.kron(x, x[:2])', make: (x) => da.kron(x, x.get(':2')), when: both(filled, (d) => d !== 'f16') },
  { python: 'np.meshgrid(x, x[:2])[0]', make: (x) => da.meshgrid([x, x.get(':2')])[0] as Any, when: rank(1, 1) },
  {
    python: 'np.meshgrid(x, x[:2], indexing="ij")[1]',
    make: (x) => da.meshgrid([x, x.get(':2')], { indexing: 'ij' })[1] as Any,
    when: rank(1, 1),
  },
  { python: 'np.zeros_like(x)', make: (x) => da.zerosLike(x) },
  { python: 'np.indices(x.shape)', make: (x) => da.indices(x.shape) },
  // Order
  { python: 'np.sort(x)', make: (x) => da.sort(x) },
  { python: 'np.sort(x, axis=0)', make: (x) => da.sort(x, { axis: 0 }) },
  { python: 'np.sort(x)[..., ::-1]', make: (x) => da.sort(x, { descending: true }) },
  { python: 'np.argsort(x, kind="stable")', make: (x) => da.argsort(x) },
  { python: 'np.argsort(x, axis=0, kind="stable")', make: (x) => da.argsort(x, { axis: 0 }) },
  {
    python: 'x.shape[-1] - 1 - np.argsort(x[..., ::-1], kind="stable")[..., ::-1]',
    make: (x) => da.argsort(x, { descending: true }),
  },
  {
    python: 'np.sort(np.partition(x, x.shape[-1] // 2)[..., : x.shape[-1] // 2])',
    make: (x) =>
      da.sort(
        da
          .partition(x, Math.floor((x.shape.at(-1) as number) / 2))
          .get('...', da.slice(0, Math.floor((x.shape.at(-1) as number) / 2))),
      ),
    when: filled,
  },
  { python: 'np.partition(x, [0, -1])[..., [0, -1]]', make: (x) => da.partition(x, [0, -1]).get('...', [0, -1]), when: filled },
  { python: 'np.sort(x)[..., ::-1][..., :1]', make: (x) => da.topk(x, 1, { axis: -1 }), when: filled },
  { python: 'np.median(x)', make: (x) => da.median(x), when: both(filled, long), tolerance: 1e-14 },
  { python: 'np.median(x.astype("f8"), axis=0)', make: (x) => da.median(x, { axis: 0 }), when: both(filled), tolerance: 1e-14 },
  {
    python: 'np.quantile(x.astype("f8"), [0, 0.3, 1], axis=-1, keepdims=True)',
    make: (x) => da.quantile(x, [0, 0.3, 1], { axis: -1, keepdims: true }),
    when: filled,
    tolerance: 1e-14,
  },
  {
    python: 'np.nanquantile(x.astype("f8"), 0.3, axis=0)',
    make: (x) => da.nanquantile(x, 0.3, { axis: 0 }),
    when: filled,
    tolerance: 1e-14,
  },
  {
    python: 'np.percentile(x.astype("f8"), 71, axis=(0, -1))',
    make: (x) => da.percentile(x, 71, { axis: [0, -1] }),
    when: both(filled, rank(2)),
    tolerance: 1e-14,
  },
  ...(
    [
      'lower',
      'higher',
      'nearest',
      'midpoint',
      'hazen',
      'weibull',
      'median_unbiased',
      'normal_unbiased',
      'interpolated_inverted_cdf',
    ] as const
  ).flatMap((method) =>
    [0, 0.25, 0.5, 0.77, 1].map((q): Case => ({
      python: `np.quantile(x.astype("f8"), ${q}, method="${method}", axis=-1)`,
      make: (x) => da.quantile(x, q, { method, axis: -1 }),
      when: filled,
      tolerance: 1e-13,
    })),
  ),
  { python: 'np.unique(x)', make: (x) => da.unique(x) },
  { python: 'np.unique(x, return_index=True)[1]', make: (x) => da.uniqueAll(x).indices },
  { python: 'np.unique(x, return_inverse=True)[1].reshape(x.shape)', make: (x) => da.uniqueAll(x).inverse },
  { python: 'np.unique(x, return_counts=True)[1]', make: (x) => da.uniqueAll(x).counts },
  { python: 'np.unique_counts(x)[0]', make: (x) => da.unique(x, { equalNaN: false }) },
  {
    python: 'np.union1d(x, x[:1] + x.dtype.type(1))',
    make: (x) => da.union1d(x, x.get(':1').add(da.full([], x.dtype === 'bool' ? true : 1, { dtype: x.dtype }) as Any)),
  },
  { python: 'np.intersect1d(x, x[:2])', make: (x) => da.intersect1d(x, x.get(':2')), when: (dtype) => !floats(dtype) },
  { python: 'np.setdiff1d(x, x[:1])', make: (x) => da.setdiff1d(x, x.get(':1')), when: (dtype) => !floats(dtype) },
  // Along a line
  {
    python: 'np.cumsum(x.astype("f8"), axis=0)',
    make: (x) => da.cumsum(x, { axis: 0, dtype: 'f64' }),
    when: long,
    tolerance: 1e-12,
  },
  {
    python: 'np.cumprod(x.astype("f8") / 4, axis=-1)',
    make: (x) => da.cumprod(x.astype('f64').divide(4), { axis: -1 }),
    tolerance: 1e-12,
  },
  { python: 'np.cumprod(x.astype("i8"))', make: (x) => da.cumprod(x, { dtype: 'i64' }), when: (dtype) => !floats(dtype) },
  {
    python: 'np.cumulative_sum(x.astype("i8"), axis=0, include_initial=True)',
    make: (x) => da.cumsum(x, { axis: 0, dtype: 'i64', includeInitial: true }),
    when: (dtype) => !floats(dtype),
  },
  { python: 'np.nancumsum(x.astype("f8"))', make: (x) => da.nancumsum(x, { dtype: 'f64' }), tolerance: 1e-12 },
  { python: 'np.diff(x)', make: (x) => da.diff(x) },
  { python: 'np.diff(x, n=2, axis=0, prepend=x[:1])', make: (x) => da.diff(x, { n: 2, axis: 0, prepend: x.get(':1') }) },
  {
    python: 'np.lib.stride_tricks.sliding_window_view(x, 2, axis=0)',
    make: (x) => da.slidingWindow(x, 2, { axis: 0 }),
    when: (_, shape) => (shape[0] ?? 0) > 1,
  },
  {
    python: 'np.lib.stride_tricks.sliding_window_view(x, (2, 2), axis=(0, -1)).max(axis=(-1, -2))',
    make: (x) => da.slidingWindow(x, [2, 2], { axis: [0, -1] }).max({ axis: [-1, -2] }),
    when: (_, shape) => shape.length > 1 && (shape[0] ?? 0) > 1 && (shape.at(-1) ?? 0) > 1 && filled('f64', shape),
  },
  {
    python: 'np.take(np.lib.stride_tricks.sliding_window_view(x, 2, axis=0), [0], axis=0)',
    make: (x) => da.take(da.slidingWindow(x, 2, { axis: 0 }), [0], { axis: 0 }),
    when: (_, shape) => (shape[0] ?? 0) > 1 && filled('f64', shape),
  },
  { python: 'np.fft.fftshift(x)', make: (x) => da.fftshift(x) },
  { python: 'np.fft.ifftshift(x, axes=-1)', make: (x) => da.ifftshift(x, -1) },
  {
    python: 'np.fft.fftfreq(x.shape[0] + 1, 0.25)',
    make: (x) => da.fftfreq((x.shape[0] as number) + 1, { d: 0.25 }),
    tolerance: 1e-15,
  },
  { python: 'np.fft.rfftfreq(x.shape[0] + 1)', make: (x) => da.rfftfreq((x.shape[0] as number) + 1), tolerance: 1e-15 },
  // Statistics
  { python: 'np.nansum(x.astype("f8"), axis=0)', make: (x) => da.nansum(x.astype('f64'), { axis: 0 }), tolerance: 1e-13 },
  {
    python: 'np.nanprod(x.astype("f8") / 4, axis=0)',
    make: (x) => da.nanprod(x.astype('f64').divide(4), { axis: 0 }),
    tolerance: 1e-13,
  },
  { python: 'np.nanmean(x.astype("f8"), axis=-1)', make: (x) => da.nanmean(x.astype('f64'), { axis: -1 }), tolerance: 1e-13 },
  {
    python: 'np.nanvar(x.astype("f8"), axis=0, ddof=1)',
    make: (x) => da.nanvar(x.astype('f64'), { axis: 0, ddof: 1 }),
    tolerance: 1e-12,
  },
  { python: 'np.nanstd(x.astype("f8"))', make: (x) => da.nanstd(x.astype('f64')), tolerance: 1e-12 },
  { python: 'np.nanmin(x, axis=0)', make: (x) => da.nanmin(x, { axis: 0 }), when: filled },
  { python: 'np.nanmax(x)', make: (x) => da.nanmax(x), when: filled },
  {
    python: 'np.nanargmax(np.nan_to_num(x, nan=0))',
    make: (x) => da.nanargmax(da.where(x.equal(x as never), x, 0)),
    when: both(filled, (d) => d !== 'bool'),
  },
  { python: 'np.ptp(x, axis=0)', make: (x) => da.ptp(x, { axis: 0 }), when: both(filled, signed) },
  { python: 'np.count_nonzero(x, axis=-1)', make: (x) => da.countNonzero(x, { axis: -1 }) },
  {
    python: 'np.average(x.astype("f8"), weights=np.arange(1, x.shape[0] + 1), axis=0)',
    make: (x) => da.average(x.astype('f64'), { weights: da.arange(1, (x.shape[0] as number) + 1), axis: 0 }),
    when: filled,
    tolerance: 1e-13,
  },
  {
    python: 'np.cov(x.astype("f8"))',
    make: (x) => da.squeeze(da.cov(x.astype('f64'))),
    when: both(rank(1, 2), filled, (_, s) => (s.at(-1) ?? 0) > 1 && (s.length === 1 || (s[0] ?? 0) > 1)),
    tolerance: 1e-12,
  },
  {
    python: 'np.corrcoef(x.astype("f8").T + np.arange(x.size).reshape(x.T.shape) ** 2)',
    make: (x) => da.corrcoef(x.astype('f64').T.add(da.arange(x.size).reshape(x.T.shape).square()) as Any),
    when: (dtype, s) => long(dtype) && s.length === 2 && (s[0] ?? 0) > 2 && (s[1] ?? 0) > 1,
    tolerance: 1e-9,
  },
  {
    python: 'np.bincount(np.abs(x.ravel().astype("i8")) % 7, minlength=3)',
    make: (x) => da.bincount(x.astype('i64').abs().remainder(7n), { minlength: 3 }),
    when: (dtype) => whole(dtype) && dtype !== 'u64',
  },
  {
    python: 'np.bincount(np.abs(x.ravel().astype("i8")) % 7, weights=np.arange(x.size))',
    make: (x) => da.bincount(x.astype('i64').abs().remainder(7n), { weights: da.arange(x.size).reshape(x.shape) }),
    when: (dtype, s) => whole(dtype) && dtype !== 'u64' && filled(dtype, s),
  },
  {
    python: 'np.histogram2d(x.ravel(), x.ravel()[::-1], bins=(3, 4), range=((0, 5), (-2, 7)))[0]',
    make: (x) =>
      da.histogram2d(x, da.flip(x.reshape(-1)), {
        bins: [3, 4],
        range: [
          [0, 5],
          [-2, 7],
        ],
      }).counts,
  },
  { python: 'np.digitize(x, [0, 2, 5])', make: (x) => da.digitize(x, [0, 2, 5]) },
  { python: 'np.digitize(x, [5, 2, 0], right=True)', make: (x) => da.digitize(x, [5, 2, 0], { right: true }) },
  {
    python: 'np.trace(x, 1, -2, -1)',
    make: (x) => da.trace(x, { offset: 1 }),
    when: (dtype, s) => s.length >= 2 && long(dtype),
    tolerance: 1e-12,
  },
]

const shapes: readonly (readonly number[])[] = [
  [0],
  [1],
  [2],
  [7],
  [40],
  [0, 3],
  [3, 0],
  [1, 1],
  [4, 4],
  [3, 5],
  [2, 3, 4],
  [1, 0, 2],
  [5, 1, 3],
]

/** In a long run all of them for each dtype, else a few, other ones for each. */
const shapesFor = (dtype: number): typeof shapes =>
  Array.from({ length: runs(3, shapes.length) }, (_, i) => shapes[(4 * dtype + i) % shapes.length] as readonly number[])

/** Elements of which several are equal; NaN, −0 and infinity among floats. */
function elementsFor(dtype: da.DType, size: number, seed: number): (number | bigint | boolean)[] {
  const random = randomFrom(seed)
  return Array.from({ length: size }, () => {
    const n = random.below(13)
    if (dtype === 'bool') return n % 2 === 0
    if (floats(dtype))
      return ([Number.NaN, Number.POSITIVE_INFINITY, -0, 0, 0.5, -1.5, 2, 2, 3, 7, -4, 1, 1] as const)[n] as number
    const value = dtype.startsWith('u') ? n : n - 5
    return dtype.endsWith('64') ? BigInt(value) : value
  })
}

const script = `
import json, sys, numpy as np, warnings
warnings.simplefilter("ignore")
np.seterr(all="ignore")
def put(x, index, value):
    y = x.copy()
    y[index] = value
    return y
def show(v):
    return str(int(v)) if np.issubdtype(type(v), np.integer) or isinstance(v, np.bool_) else repr(float(v))
for line in sys.stdin:
    case = json.loads(line)
    dtype = case["dtype"]
    kind = float if dtype[0] == "f" else bool if dtype == "?" else int
    x = np.array([kind(v) if kind is not bool else v == "true" for v in case["values"]], dtype=dtype).reshape(case["stored"])
    if case["view"]:
        x = x.T[::-1]
    for python in case["python"]:
        try:
            r = np.asarray(eval(python, {"np": np, "x": x, "put": put}))
            print(json.dumps({"shape": list(r.shape), "values": [show(v) for v in r.ravel()]}))
        except Exception as error:
            print(json.dumps({"error": str(error)}))
`

const numberOf = (text: string): number =>
  text === 'nan'
    ? Number.NaN
    : text === 'inf'
      ? Number.POSITIVE_INFINITY
      : text === '-inf'
        ? Number.NEGATIVE_INFINITY
        : Number(text)

/** What differs, as text; undefined where nothing does. */
function difference(
  got: da.Dense | number | bigint | boolean,
  answer: { shape: number[]; values: string[] },
  tolerance: number,
  interpolates: boolean,
): string | undefined {
  const shape = got instanceof da.Dense ? got.shape : []
  if (String(shape) !== String(answer.shape)) return `shape (${shape.join()}) instead of (${answer.shape.join()})`
  const values = (got instanceof da.Dense ? (got.toArray() as unknown[]).flat(9) : [got]).map((v) =>
    typeof v === 'boolean' ? Number(v) : v,
  )
  const expected = answer.values.map((text, i) => (typeof values[i] === 'bigint' ? BigInt(text) : numberOf(text)))
  const size = Math.max(...expected.map((v) => Math.abs(Number(v))).filter(Number.isFinite), 0)
  const wrong = expected.findIndex((b, i) => {
    const a = values[i]
    if (typeof a === 'bigint') return a !== b
    // NumPy interpolates with infinities, which gives NaN also where they have no weight.
    if (Number.isNaN(b) && interpolates && !Number.isNaN(a)) return false
    return !(a === b || (Number.isNaN(a) && Number.isNaN(b)) || Math.abs((a as number) - (b as number)) <= tolerance * size)
  })
  return wrong < 0 ? undefined : `[${wrong}] is ${String(values[wrong])} instead of ${answer.values[wrong]}`
}

test.skipIf(!installed)(
  'functions on all dtypes and shapes give what NumPy gives',
  async () => {
    const inputs = (Object.keys(names) as da.DType[]).flatMap((dtype, d) =>
      shapesFor(d).flatMap((shape, s) =>
        [false, true].map((view) => ({
          dtype,
          shape: view ? shape.toReversed() : shape,
          stored: shape,
          view,
          seed: 100 * d + s,
        })),
      ),
    )
    const asked = inputs.map(({ dtype, shape }) => cases.filter(({ when }) => when?.(dtype, shape) ?? true))
    const lines = inputs.map(({ dtype, stored, view, seed }, i) => {
      const values = elementsFor(
        dtype,
        stored.reduce((a, b) => a * b, 1),
        seed,
      ).map((v) => (Object.is(v, -0) ? '-0' : String(v)))
      return JSON.stringify({
        dtype: names[dtype],
        values,
        stored,
        view,
        python: (asked[i] as Case[]).map(({ python }) => python),
      })
    })
    const answers = runNumpy(script, lines.join('\n'))
    const wrong: string[] = []
    let next = 0
    for (const [i, { dtype, stored, view, seed }] of inputs.entries()) {
      const stands = da
        .from(
          elementsFor(
            dtype,
            stored.reduce((a, b) => a * b, 1),
            seed,
          ) as number[],
          { dtype },
        )
        .reshape(...stored)
      const x = (view ? da.flip(stands.T, 0) : stands) as Any
      for (const { python, make, tolerance = 0 } of asked[i] as Case[]) {
        const answer = JSON.parse(answers[next++] as string) as { error?: string; shape: number[]; values: string[] }
        const where = `${python} of ${dtype} (${x.shape.join()})${view ? ' seen backwards' : ''}`
        try {
          const result = (await make(x).compute(here)) as da.Dense | number
          const found =
            answer.error === undefined
              ? difference(result, answer, tolerance, /quantile|percentile|median/.test(python))
              : `not refused; NumPy: ${answer.error}`
          if (found) wrong.push(`${where}: ${found}`)
        } catch (error) {
          if (!(error instanceof Error) || answer.error === undefined || error.constructor.name === 'TypeError')
            wrong.push(`${where}: ${String(error)}; NumPy: ${answer.error ?? answer.values.join(' ')}`)
        }
      }
    }
    expect(wrong.slice(0, 40)).toEqual([])
    expect(next).toBe(answers.length)
    expect(next).toBeGreaterThan(5_000)
  },
  120_000,
)
