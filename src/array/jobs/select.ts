/** Selection: the k-th smallest of a row without sorting all of it (Hoare's quickselect; medians of three), and quantiles by all of NumPy's continuous methods. */

export const quantileMethods = [
  'linear',
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
/** How a quantile lies between two elements; names and meaning are NumPy's. */
export type QuantileMethod = (typeof quantileMethods)[number]

/** Below this a plain insertion sort is quicker. */
const shortest = 16

/**
 * Moves elements so that each of the places has the element that it would have if all were sorted. NaN counts as larger than all.
 * @param places from 0 up, below the length
 */
export function selectTo(values: Float64Array, places: readonly number[]): void {
  const numbers = nanToEnd(values)
  let low = 0
  for (const place of [...places].sort((a, b) => a - b)) {
    if (place < numbers && place >= low) {
      select(values, low, numbers - 1, place)
      low = place + 1
    }
  }
}

/** @returns how many elements are not NaN */
function nanToEnd(values: Float64Array): number {
  let end = values.length
  for (let i = 0; i < end;) {
    const value = values[i] as number
    if (value === value) i++
    else {
      end--
      values[i] = values[end] as number
      values[end] = value
    }
  }
  return end
}

function select(values: Float64Array, from: number, to: number, place: number): void {
  let [low, high] = [from, to]
  // Bad pivots are possible; after this many of them the rest is sorted, so that no order of elements takes quadratic time.
  for (let left = 2 * Math.ceil(Math.log2(high - low + 2)); high - low > shortest; left--) {
    if (left === 0) {
      values.subarray(low, high + 1).sort()
      return
    }
    const pivot = middleOf(values[low] as number, values[(low + high) >>> 1] as number, values[high] as number)
    let [i, j] = [low - 1, high + 1]
    for (;;) {
      do i++
      while ((values[i] as number) < pivot)
      do j--
      while ((values[j] as number) > pivot)
      if (i >= j) break
      const swapped = values[i] as number
      values[i] = values[j] as number
      values[j] = swapped
    }
    if (place <= j) high = j
    else low = j + 1
  }
  for (let i = low + 1; i <= high; i++) {
    const value = values[i] as number
    let at = i - 1
    for (; at >= low && (values[at] as number) > value; at--) values[at + 1] = values[at] as number
    values[at + 1] = value
  }
}

function middleOf(a: number, b: number, c: number): number {
  if (a < b) return b < c ? b : a < c ? c : a
  return a < c ? a : b < c ? c : b
}

/** The parameters α and β of methods that interpolate between the places of elements (Hyndman and Fan 1996). */
const plotting: Partial<Record<QuantileMethod, readonly [number, number]>> = {
  hazen: [0.5, 0.5],
  weibull: [0, 0],
  median_unbiased: [1 / 3, 1 / 3],
  normal_unbiased: [3 / 8, 3 / 8],
  interpolated_inverted_cdf: [0, 1],
}

/** The place of a quantile among n sorted elements, from 0 to n − 1. */
function placeOf(n: number, q: number, method: QuantileMethod): number {
  const [alpha, beta] = plotting[method] ?? [1, 1]
  const place = n * q + (alpha + q * (1 - alpha - beta)) - 1
  const linear = plotting[method] ? Math.min(n - 1, Math.max(0, place)) : (n - 1) * q
  switch (method) {
    case 'lower':
      return Math.floor(linear)
    case 'higher':
      return Math.ceil(linear)
    case 'midpoint':
      return Number.isInteger(linear) ? linear : Math.floor(linear) + 0.5
    case 'nearest': {
      const floor = Math.floor(linear)
      return linear - floor > 0.5 || (linear - floor === 0.5 && floor % 2 === 1) ? floor + 1 : floor
    }
    default:
      return linear
  }
}

/** What lies between two elements, as NumPy interpolates: from the nearer end. */
export function between(a: number, b: number, weight: number): number {
  if (a === b || weight === 0) return a
  const apart = b - a
  if (!Number.isFinite(apart)) return a * (1 - weight) + b * weight
  return weight < 0.5 ? a + apart * weight : b - apart * (1 - weight)
}

/**
 * @param values are moved
 * @param leaveOut whether NaN is left out; otherwise one makes all quantiles NaN
 */
export function quantilesOf(
  values: Float64Array,
  fractions: readonly number[],
  method: QuantileMethod,
  leaveOut: boolean,
): number[] {
  const count = nanToEnd(values)
  if (count === 0 || (!leaveOut && count < values.length)) return fractions.map(() => Number.NaN)
  const numbers = values.subarray(0, count)
  const places = fractions.map((q) => placeOf(count, q, method))
  const wanted = [...new Set(places.flatMap((place) => [Math.floor(place), Math.ceil(place)]))]
  if (count >= longRow && places.length <= 4) return places.map((place) => betweenNeighbours(numbers, place))
  if (wanted.length > 8) numbers.sort()
  else selectTo(numbers, wanted)
  return places.map((place) =>
    between(numbers[Math.floor(place)] as number, numbers[Math.ceil(place)] as number, place - Math.floor(place)),
  )
}

/** From here on a sample pays, which says between which elements the wanted one lies. */
const longRow = 2_048
const sampleLength = 512
const sample = new Float64Array(sampleLength)
/** Elements between two of the sample; as long as the longest row so far. */
let collected = new Float64Array(0)

/**
 * What lies at a place, by one pass without branches: it counts the elements below two of a sample, and collects those between them, among which
 * the wanted ones are nearly always. Where they are not, quickselect finds them.
 */
function betweenNeighbours(values: Float64Array, place: number): number {
  const { length } = values
  for (let i = 0; i < sampleLength; i++) sample[i] = values[Math.floor((i * length) / sampleLength)] as number
  sample.sort()
  const expected = (place / length) * sampleLength
  const margin = Math.ceil(1.5 * Math.sqrt(sampleLength))
  const least = expected - margin < 0 ? Number.NEGATIVE_INFINITY : (sample[Math.floor(expected - margin)] as number)
  const most = expected + margin > sampleLength - 1 ? Number.POSITIVE_INFINITY : (sample[Math.ceil(expected + margin)] as number)
  if (collected.length <= length) collected = new Float64Array(length + 1)
  let [below, kept] = [0, 0]
  for (let i = 0; i < length; i++) {
    const value = values[i] as number
    below += +(value < least)
    collected[kept] = value
    kept += +(value >= least) & +(value <= most)
  }
  const [low, high] = [Math.floor(place), Math.ceil(place)]
  if (low < below || high >= below + kept) {
    selectTo(values, [low, high])
    return between(values[low] as number, values[high] as number, place - low)
  }
  const found = collected.subarray(0, kept)
  selectTo(found, [low - below, high - below])
  return between(found[low - below] as number, found[high - below] as number, place - low)
}
