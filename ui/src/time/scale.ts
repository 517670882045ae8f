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
  const base = baseOf(view, step)
  const found: Tick[] = []
  for (let i = Math.ceil((view.from - base) / step - 1e-9); base + i * step <= view.to + step * 1e-9; i++) {
    const after = i * step
    found.push({
      at: base + after,
      label: base === 0 ? tickLabel(after, step) : `+${after === 0 ? '0' : tickLabel(after, step)}`,
    })
  }
  return found
}

/** Labels with more digits than this are not read but compared letter by letter. */
const stepsShown = 10_000

/** Deep in a long recording marks count from a round time before the view, which stands beside them; 0 where they count from the beginning. */
function baseOf(view: Span, step: number): number {
  if (step >= 10 || view.from < stepsShown * step) return 0
  const unit = 10 ** Math.ceil(Math.log10(Math.max(lengthOf(view), step)) + 1e-9)
  return Math.floor(view.from / unit) * unit
}

/** What the marks of a view count from, in words; undefined where that is the beginning. */
export function tickBase(view: Span, width: number, gap = 96): string | undefined {
  const length = lengthOf(view)
  if (!(length > 0) || width <= 0) return undefined
  const base = baseOf(view, stepFor((length * gap) / width))
  return base === 0 ? undefined : moment(base, lengthOf(view))
}

/** A moment as exactly as a view of that length shows it: `18.9406 s`, `5:15:40.58`. */
export function moment(at: number, lengthMs: number): string {
  const places = Math.min(9, Math.max(0, 3 - Math.floor(Math.log10(Math.max(lengthMs, spanMin)))))
  const seconds = (at / 1_000).toFixed(places)
  if (at < 60e3) return `${trimmed(seconds)} s`
  const whole = Math.floor(Number(seconds))
  const fraction = seconds.includes('.') ? trimmed(seconds.slice(seconds.indexOf('.'))) : ''
  const two = (value: number): string => String(value).padStart(2, '0')
  const [hours, minutes] = [Math.floor(whole / 3_600), Math.floor(whole / 60) % 60]
  return `${hours > 0 ? `${hours}:${two(minutes)}` : minutes}:${two(whole % 60)}${fraction}`
}

/** Without zeros at the end of a fraction. */
const trimmed = (number: string): string => (number.includes('.') ? number.replace(/\.?0+$/, '') : number)

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
