/** Where a moment stands on the screen, and which moments deserve a mark. */

/** A stretch of the recording, in milliseconds since it began. */
export interface Span {
  readonly from: number
  readonly to: number
}

export const lengthOf = ({ from, to }: Span): number => to - from

/** Nobody needs to see less than a tenth of a microsecond across the screen; below, floating point shows. */
const spanMin = 1e-4

/** Pixels from the left, for a view that is `width` pixels wide. */
export const toX = (view: Span, width: number, at: number): number => ((at - view.from) / (view.to - view.from)) * width
export const toTime = (view: Span, width: number, x: number): number => view.from + (x / width) * (view.to - view.from)

/** The view made `factor` times as long (below 1: closer), the moment `at` staying where it is; never beyond `whole`. */
export function zoom(view: Span, whole: Span, at: number, factor: number): Span {
  const length = Math.min(lengthOf(whole), Math.max(Math.min(spanMin, lengthOf(whole)), lengthOf(view) * factor))
  const share = lengthOf(view) > 0 ? (at - view.from) / lengthOf(view) : 0.5
  return within({ from: at - share * length, to: at + (1 - share) * length }, whole)
}

/** The view moved by so many milliseconds, as far as `whole` goes. */
export const pan = (view: Span, whole: Span, by: number): Span => within({ from: view.from + by, to: view.to + by }, whole)

/** The stretch moved, and where it is too long cut, to lie within `whole`. */
export function within(view: Span, whole: Span): Span {
  const length = lengthOf(view)
  if (length >= lengthOf(whole)) return whole
  if (view.from < whole.from) return { from: whole.from, to: whole.from + length }
  if (view.to > whole.to) return { from: whole.to - length, to: whole.to }
  return view
}

/** The stretch with some air on both sides, for looking at it. */
export function around({ from, to }: Span, whole: Span, air = 0.1): Span {
  const by = Math.max((to - from) * air, spanMin / 2)
  return { from: Math.max(whole.from, from - by), to: Math.min(whole.to, to + by) }
}

export interface Tick {
  readonly at: number
  readonly label: string
}

/** Marks at round times, at least `gap` pixels apart. */
export function ticks(view: Span, width: number, gap = 96): Tick[] {
  const length = lengthOf(view)
  if (!(length > 0) || width <= 0) return []
  const step = stepFor((length * gap) / width)
  const found: Tick[] = []
  for (let i = Math.ceil(view.from / step - 1e-9); i * step <= view.to + step * 1e-9; i++) {
    const at = i * step
    found.push({ at, label: tickLabel(at, step) })
  }
  return found
}

const minuteSteps = [60e3, 120e3, 300e3, 600e3, 1_200e3, 1_800e3, 3_600e3, 7_200e3, 18_000e3, 36_000e3]

/** The smallest round number of milliseconds from `least` up: 1, 2 or 5 × a power of ten, above a minute whole minutes and hours. */
function stepFor(least: number): number {
  if (least > 30e3) {
    const minutes = minuteSteps.find((step) => step >= least)
    if (minutes !== undefined) return minutes
  }
  const power = 10 ** Math.floor(Math.log10(least))
  return [1, 2, 5].map((m) => m * power).find((step) => step >= least * (1 - 1e-9)) ?? 10 * power
}

/** As many digits as the step between two marks needs, in the unit that suits it. */
function tickLabel(at: number, step: number): string {
  if (at === 0) return '0'
  if (step >= 60e3) {
    const minutes = Math.round(at / 60e3)
    return minutes < 60 ? `${minutes} m` : `${Math.floor(minutes / 60)} h${minutes % 60 === 0 ? '' : ` ${minutes % 60} m`}`
  }
  if (step >= 10) return at >= 60e3 ? clock(at, step) : `${(at / 1_000).toFixed(digits(step / 1_000))} s`
  if (step >= 0.01) return `${at.toFixed(digits(step))} ms`
  return `${(at * 1_000).toFixed(digits(step * 1_000))} µs`
}

function clock(at: number, step: number): string {
  const places = digits(step / 1_000)
  const minutes = Math.floor((at + step * 1e-6) / 60e3)
  return `${minutes}:${(Math.abs(at - minutes * 60e3) / 1_000).toFixed(places).padStart(places > 0 ? places + 3 : 2, '0')}`
}

const digits = (step: number): number => Math.max(0, Math.ceil(-Math.log10(step) - 1e-9))
