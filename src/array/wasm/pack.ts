/** Lays the lines of a matrix out in panels, as the inner loop of a product reads them. */
import { panelRows } from './product.ts'

export type Floats = Float64Array | Float32Array

/**
 * Lays lines out in panels: the first elements of all lines of a panel, then the second ones, and so on; zeros fill what is missing.
 * @param apart between the beginnings of two lines
 * @param step between the elements of a line
 */
export function pack(
  data: Floats,
  start: number,
  apart: number,
  step: number,
  lines: number,
  depth: number,
  panel: number,
  into: Floats,
): void {
  const panelSize = panel * depth
  for (let first = 0, at = 0; first < lines; first += panel, at += panelSize) {
    const from = start + first * apart
    if (first + panel > lines) packSome(data, from, apart, step, depth, panel, into, at, lines - first)
    else if (apart === 1) packRuns(data, from, step, depth, panel, into, at)
    else
      for (let line = 0; line < panel; line += panelRows)
        packFour(data, from + line * apart, apart, step, depth, panel, into, at + line)
  }
}

/** Lines beside one another: each step is a run. */
function packRuns(data: Floats, start: number, step: number, depth: number, panel: number, into: Floats, at: number): void {
  if (panel === panelRows) return packFour(data, start, 1, step, depth, panel, into, at)
  for (let k = 0, to = at, from = start; k < depth; k++, to += 8, from += step) {
    into[to] = data[from] as number
    into[to + 1] = data[from + 1] as number
    into[to + 2] = data[from + 2] as number
    into[to + 3] = data[from + 3] as number
    into[to + 4] = data[from + 4] as number
    into[to + 5] = data[from + 5] as number
    into[to + 6] = data[from + 6] as number
    into[to + 7] = data[from + 7] as number
  }
}

function packFour(
  data: Floats,
  start: number,
  apart: number,
  step: number,
  depth: number,
  panel: number,
  into: Floats,
  at: number,
): void {
  const [second, third, fourth] = [start + apart, start + 2 * apart, start + 3 * apart]
  for (let k = 0, to = at, by = 0; k < depth; k++, to += panel, by += step) {
    into[to] = data[start + by] as number
    into[to + 1] = data[second + by] as number
    into[to + 2] = data[third + by] as number
    into[to + 3] = data[fourth + by] as number
  }
}

function packSome(
  data: Floats,
  start: number,
  apart: number,
  step: number,
  depth: number,
  panel: number,
  into: Floats,
  at: number,
  lines: number,
): void {
  for (let k = 0; k < depth; k++) {
    for (let line = 0; line < panel; line++)
      into[at + panel * k + line] = line < lines ? (data[start + line * apart + k * step] as number) : 0
  }
}
