/** Where the lines of the timeline stand: an executor's lines close together, executors apart, as tall as the room allows. */

export interface LaneLike {
  readonly key: string
  readonly executor: number
  readonly label: string
}

export interface Row {
  readonly top: number
  readonly height: number
}

/** The lines of one executor, and where its name stands. */
export interface Block {
  readonly executor: number
  readonly label: string
  readonly first: number
  readonly count: number
  readonly top: number
  readonly height: number
}

export interface Rows {
  /** By lane. */
  readonly rows: readonly Row[]
  readonly blocks: readonly Block[]
  /** Of all of it; more than the room when it has to be scrolled. */
  readonly height: number
}

const single = { least: 9, most: 34 }
const several = { least: 3, most: 34 }
const gap = 1
/** Tall enough for a name in a bar. */
const goodPx = 20
/** Between executors; many stand closer. */
const gapOf = (executors: number): number => (executors > 6 ? 2 : 6)

export function layRows(lanes: readonly LaneLike[], room: number): Rows {
  const counts: number[] = []
  for (const [i, { executor }] of lanes.entries()) {
    if (i > 0 && lanes[i - 1]?.executor === executor) counts[counts.length - 1] = (counts.at(-1) as number) + 1
    else counts.push(1)
  }
  const blockGap = gapOf(counts.length)
  const gaps = blockGap * (counts.length + 1) + lanes.length - counts.length
  const left = room - gaps
  const singles = counts.filter((count) => count === 1).length
  const many = lanes.length - singles
  // Executors with one line get their share of the room first; where lines of others cannot do without it, they
  // still keep a good height, and the lines are scrolled.
  const fair = Math.floor(left / Math.max(1, singles + Math.min(many, singles * 2)))
  const spare = Math.floor((left - several.least * many) / Math.max(1, singles))
  const one = clamp(Math.min(fair, Math.max(spare, goodPx)), single.least, single.most)
  const other = many === 0 ? 0 : clamp(Math.floor((left - one * singles) / many), several.least, several.most)
  const rows: Row[] = []
  const blocks: Block[] = []
  let y = blockGap
  let lane = 0
  for (const count of counts) {
    const height = count === 1 ? one : other
    const top = y
    for (let i = 0; i < count; i++, y += height + gap) rows.push({ top: y, height })
    y -= gap
    const { executor, label } = lanes[lane] as LaneLike
    // `this thread, 1` is the first line of several.
    blocks.push({ executor, label: label.replace(/, \d+$/, ''), first: lane, count, top, height: y - top })
    lane += count
    y += blockGap
  }
  return { rows, blocks, height: y }
}

const clamp = (value: number, least: number, most: number): number => Math.min(most, Math.max(least, value))

/** The lane at a height; −1 between lanes. */
export function laneAt({ rows }: Rows, y: number): number {
  let [low, high] = [0, rows.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if ((rows[middle] as Row).top <= y) low = middle + 1
    else high = middle
  }
  const row = rows[low - 1]
  return row && y < row.top + row.height + gap ? low - 1 : -1
}
