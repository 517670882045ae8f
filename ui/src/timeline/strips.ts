/**
 * Coverage as a picture: per lane a strip one pixel tall, painted once when an answer comes. Panning and zooming then only stretch it,
 * so that a frame costs the same for ten tasks and for a million.
 */
import type { TimelineWindow } from '../../../src/dashboard/page.ts'
import { channels } from '../look/palette.ts'

export interface Strips {
  readonly image: OffscreenCanvas | HTMLCanvasElement
  /** By lane, its row in the image; −1 for lanes that are drawn task by task. Below it lie two rows of marks: failures, and the critical path. */
  readonly rowOf: Int32Array
  /** By lane, the columns in which tasks failed, when they are few enough for a flag each. */
  readonly flags: readonly (readonly number[])[]
}

export interface StripColours {
  /** By group. */
  colour(group: number): string
  readonly failed: string
  readonly path: string
}

/** The faintest that is drawn: one short task in a wide column must not vanish. Chosen. */
const faintest = 40

/** More failures than this in a lane are a stripe, not flags. */
const flagsMax = 100

/** Three rows of pixels per lane: what ran, failures, the critical path. undefined when no lane has coverage. */
export function paintStrips(window: TimelineWindow, colours: StripColours): Strips | undefined {
  const rowOf = new Int32Array(window.lanes.length).fill(-1)
  const flags: number[][] = window.lanes.map(() => [])
  let count = 0
  for (const [lane, { coverage }] of window.lanes.entries()) if (coverage) rowOf[lane] = 3 * count++
  if (count === 0) return undefined
  const image = newCanvas(window.columns, 3 * count)
  const context = image.getContext('2d') as CanvasRenderingContext2D | null
  if (!context) return undefined
  const pixels = context.createImageData(window.columns, 3 * count)
  const data = new Uint32Array(pixels.data.buffer)
  const rgb = new Map<number, number>()
  const failedInk = ink(colours.failed)
  const pathInk = ink(colours.path) | 0xff000000
  for (const [lane, { coverage }] of window.lanes.entries()) {
    if (!coverage) continue
    const { share, group, failed, critical } = coverage
    const at = (rowOf[lane] as number) * window.columns
    for (let x = 0; x < window.columns; x++) {
      const covered = share[x] as number
      if (covered === 0) continue
      const number = group[x] as number
      let colour = rgb.get(number)
      if (colour === undefined) rgb.set(number, (colour = ink(colours.colour(number))))
      const lost = failed[x] as number
      const alpha = faintest + Math.round((covered * (255 - faintest)) / 255)
      data[at + x] = (lost >= 128 ? failedInk : colour) | (alpha << 24)
      if (lost > 0) {
        data[at + window.columns + x] = failedInk | 0xff000000
        if ((flags[lane]?.length ?? 0) <= flagsMax) flags[lane]?.push(x)
      }
      if (critical[x] === 1) data[at + 2 * window.columns + x] = pathInk
    }
  }
  context.putImageData(pixels, 0, 0)
  return { image, rowOf, flags: flags.map((columns) => (columns.length > flagsMax ? [] : columns)) }
}

/** As a little-endian pixel without its opacity. */
function ink(colour: string): number {
  const [r, g, b] = channels(colour)
  return r | (g << 8) | (b << 16)
}

function newCanvas(width: number, height: number): OffscreenCanvas | HTMLCanvasElement {
  if (typeof OffscreenCanvas !== 'undefined') return new OffscreenCanvas(width, height)
  const canvas = document.createElement('canvas')
  canvas.width = width
  canvas.height = height
  return canvas
}
