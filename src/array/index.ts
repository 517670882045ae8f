/**
 * Lazy chunked arrays with NumPy's names, fused into SIMD kernels.
 *
 * @module heddle/array
 */

// Making arrays
export { arange, from, full, integers, linspace, normal, ones, random, zeros } from './ndarray/create.ts'
export type {
  ChunkOptions,
  FromOptions,
  FullOptions,
  IntegerOptions,
  LinspaceOptions,
  NormalOptions,
  RandomOptions,
} from './ndarray/create.ts'
export type { Seed } from './expression/seed.ts'

// Arrays and what comes out of them
export { NDArray } from './ndarray/array.ts'
export type { ArgumentOptions, Computed, Operand, Rank, ReduceOptions, SumOptions, VarianceOptions } from './ndarray/array.ts'
export { Dense } from './memory/dense.ts'
export type { Nested } from './memory/dense.ts'
export type { DType, ValueOf } from './expression/dtype.ts'
export { slice } from './expression/shape.ts'
export type { Index, Shape, Slice } from './expression/shape.ts'
export { compute, concat, stack, where } from './ndarray/functions.ts'

// Reductions; methods of arrays too
export { all, any, argmax, argmin, count, max, mean, min, prod, std, sum, var_ as var } from './ndarray/functions.ts'
export type { ComputeOptions } from './ndarray/compute.ts'

// Blocks
export { mapBlocks } from './blocks/map-blocks.ts'
export type { MapBlocksOptions } from './blocks/map-blocks.ts'
export { fromDelayed } from './blocks/from-delayed.ts'
export type { FromDelayedOptions } from './blocks/from-delayed.ts'
export { mapOverlap } from './blocks/map-overlap.ts'
export type { Boundary, MapOverlapOptions } from './blocks/map-overlap.ts'
export { blockwise } from './blocks/blockwise.ts'
export type { BlockwiseOptions } from './blocks/blockwise.ts'
export { reduction } from './blocks/reduction.ts'
export type { ReductionOptions, ReductionSteps } from './blocks/reduction.ts'
export { store } from './blocks/store.ts'
export type { Block, BlockInfo, BlockResult } from './blocks/block-function.ts'
export type { Chunks } from './expression/grid.ts'
export type { Estimate } from './ndarray/explain.ts'
export type { ComputedBlock } from './ndarray/iterate-blocks.ts'

// Files
export { fromfile, load, save, tofile } from './files/index.ts'
export type { FromFileOptions, LoadOptions } from './files/index.ts'
export { loadNpz, saveNpz } from './files/npz.ts'
export { loadParquet } from './files/parquet.ts'
export { fromArrow } from './files/arrow.ts'
export type { ArrowColumn } from './files/arrow.ts'
export { fromTensor, toTensor } from './files/exchange.ts'
export type { StridedLike, TensorLike } from './files/exchange.ts'
export { loadZarr } from './files/zarr.ts'
export type { ZarrStore } from './files/zarr.ts'
export { toZarr } from './files/to-zarr.ts'
export type { ToZarrOptions } from './files/to-zarr.ts'

// Selection
export { argwhere, choose, compress, flatnonzero, isin, nonzero, searchsorted, take, takeAlongAxis } from './ndarray/selection.ts'
export type { SearchOptions } from './ndarray/selection.ts'
export type { Indexing } from './ndarray/array.ts'

// Shapes
export {
  broadcastArrays,
  broadcastTo,
  expandDims,
  flip,
  moveaxis,
  pad,
  repeat,
  roll,
  rot90,
  split,
  squeeze,
  swapaxes,
  tile,
  unstack,
} from './ndarray/shapes.ts'
export type { PadOptions } from './ndarray/shapes.ts'
export { diag, eye, fullLike, indices, kron, meshgrid, onesLike, tril, triu, zerosLike } from './ndarray/grids.ts'
export type { EyeOptions, LikeOptions } from './ndarray/grids.ts'

// Order
export {
  argsort,
  argtopk,
  median,
  nanmedian,
  nanpercentile,
  nanquantile,
  partition,
  percentile,
  quantile,
  sort,
  topk,
} from './ndarray/order.ts'
export type { QuantileOptions, SortOptions, TopkOptions } from './ndarray/order.ts'
export type { QuantileMethod } from './jobs/select.ts'
export { intersect1d, setdiff1d, union1d, unique, uniqueAll } from './ndarray/sets.ts'
export type { Unique, UniqueOptions } from './ndarray/sets.ts'

// Along a line
export { cumprod, cumsum, diff, nancumprod, nancumsum, slidingWindow } from './ndarray/running.ts'
export type { DiffOptions, RunningOptions } from './ndarray/running.ts'

// Frequencies
export { fftfreq, fftshift, ifftshift, rfftfreq } from './ndarray/frequencies.ts'
export type { FrequencyOptions } from './ndarray/frequencies.ts'

// Statistics
export {
  average,
  bincount,
  countNonzero,
  digitize,
  nanargmax,
  nanargmin,
  nanmax,
  nanmean,
  nanmin,
  nanprod,
  nanstd,
  nansum,
  nanvar,
  ptp,
} from './ndarray/statistics.ts'
export type { AverageOptions, BincountOptions } from './ndarray/statistics.ts'

// Element types
export { canCast, dtypes, finfo, iinfo, isdtype, resultType } from './ndarray/types.ts'
export type { DTypeKind, FloatInfo } from './ndarray/types.ts'

// Histograms
export { histogram, histogram2d } from './ndarray/histogram.ts'
export type { Histogram2dOptions, HistogramOptions } from './ndarray/histogram.ts'

// Linear algebra
export { matmul } from './linear/matmul.ts'
export { dot, outer, vecdot } from './linear/products.ts'
export type { VectorOptions } from './linear/products.ts'
export { cross, diagonal, trace } from './linear/parts.ts'
export type { DiagonalOptions } from './linear/parts.ts'
export { tensordot } from './linear/tensordot.ts'
export type { TensordotAxes } from './linear/tensordot.ts'
export { einsum } from './linear/einsum.ts'
export { corrcoef, cov } from './linear/correlation.ts'
export type { CovOptions } from './linear/correlation.ts'
export { cholesky, det, inv, matrixPower, slogdet, solve, solveTriangular } from './linear/systems.ts'
export type { CholeskyOptions, TriangularOptions } from './linear/systems.ts'
export { eigh, eigvalsh, lstsq, matrixRank, pinv, qr, svd, svdCompressed, svdvals } from './linear/factorizations.ts'
export type { CompressedOptions, QrOptions, SvdOptions, ToleranceOptions } from './linear/factorizations.ts'
export { cond, matrixNorm, norm, vectorNorm } from './linear/norms.ts'
export type { MatrixNormOptions, MatrixOrder, NormOptions, VectorNormOptions, VectorOrder } from './linear/norms.ts'
export { MatrixRefused } from './factor/matrix-refused.ts'

// Elementwise functions
export {
  abs,
  add,
  arccos,
  arccosh,
  arcsin,
  arcsinh,
  arctan,
  arctan2,
  arctanh,
  bitwiseAnd,
  bitwiseOr,
  bitwiseXor,
  cbrt,
  ceil,
  clip,
  copysign,
  cos,
  cosh,
  divide,
  equal,
  exp,
  expm1,
  floor,
  floorDivide,
  greater,
  greaterEqual,
  hypot,
  invert,
  isfinite,
  isinf,
  isnan,
  leftShift,
  less,
  lessEqual,
  log,
  log10,
  log1p,
  log2,
  logaddexp,
  logicalAnd,
  logicalNot,
  logicalOr,
  logicalXor,
  maximum,
  minimum,
  multiply,
  negative,
  nextafter,
  notEqual,
  power,
  reciprocal,
  remainder,
  rightShift,
  rint,
  round,
  sign,
  signbit,
  sin,
  sinh,
  sqrt,
  square,
  subtract,
  tan,
  tanh,
  trunc,
} from './ndarray/functions.ts'

// Made of others
export {
  allclose,
  atleast1d,
  atleast2d,
  atleast3d,
  columnStack,
  deg2rad,
  dstack,
  exp2,
  fmax,
  fmin,
  hstack,
  isclose,
  isneginf,
  isposinf,
  nanToNum,
  rad2deg,
  sinc,
  vstack,
} from './ndarray/composed.ts'
export type { CloseOptions, NanToNumOptions } from './ndarray/composed.ts'
