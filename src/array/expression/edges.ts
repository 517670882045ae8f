/** The range of a histogram, once its ends are known. */
import { InvalidOption } from '../../base/errors.ts'

/**
 * @returns where the first bin begins and the last one ends: a range of one point is widened, as in NumPy
 * @throws {InvalidOption} when there are no bins of equal, finite width
 */
export function checkEdges(low: number, high: number, bins: number): readonly [number, number] {
  if (!Number.isFinite(low) || !Number.isFinite(high)) {
    throw new InvalidOption(`The range of the histogram is not finite: its elements go from ${low} to ${high}`, {
      hint: 'Give a `range`, which leaves out what lies outside, or select first, as in `x.get(isfinite(x))`.',
    })
  }
  const [from, to] = low === high ? [low - 0.5, high + 0.5] : [low, high]
  const width = (to - from) / bins
  if (!Number.isFinite(to - from)) {
    throw new InvalidOption(`The range of the histogram from ${low} to ${high} is too wide: its width overflows`, {
      hint: 'Divide the elements first.',
    })
  }
  // Doubles lie farthest apart at the larger end.
  const apart = 2 ** (Math.floor(Math.log2(Math.max(Math.abs(from), Math.abs(to)))) - 52)
  if (width < apart) {
    throw new InvalidOption(`The histogram has more bins than there are numbers: ${bins} from ${low} to ${high}`, {
      hint: 'Take fewer bins or a wider range.',
    })
  }
  return [from, to]
}
