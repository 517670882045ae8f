/** Lines of text in a picture: the model says of each pixel how probably it is text, and what hangs together is a line. For text that lies level. */
import sharp from 'sharp'
import { type InferenceSession, Tensor } from 'onnxruntime-node'
import { type Box, type Line, lineHeight, planes } from './lines.ts'

/** The model was trained on pictures whose shorter side is at least that, and whose sides are multiples of 32. */
const shortSide = 736
const longSide = 2_000
const multiple = 32
/** Probabilities: of a pixel, and of a line on average. */
const pixelIs = 0.3
const lineIs = 0.5
/** The model draws lines thinner than they are; by so much of area over circumference they are widened. */
const widened = 1.6
/** Smaller ones are specks. */
const leastPixels = 3

// One picture at a time: there are as many replicas as cores.
sharp.concurrency(1)

export async function linesIn(session: InferenceSession, path: string): Promise<Line[]> {
  // As a camera held it, and on white where it is transparent.
  const upright = sharp(path).rotate().flatten({ background: '#ffffff' }).toColourspace('srgb')
  const { data, info } = await upright.raw().toBuffer({ resolveWithObject: true })
  const picture = (): ReturnType<typeof sharp> =>
    sharp(data, { raw: { width: info.width, height: info.height, channels: info.channels } })
  const short = Math.min(info.width, info.height)
  const scale = Math.min(Math.max(1, shortSide / short), longSide / Math.max(info.width, info.height))
  const side = (length: number): number => Math.max(multiple, Math.round((length * scale) / multiple) * multiple)
  const [width, height] = [side(info.width), side(info.height)]
  const scaled = await picture().resize(width, height, { fit: 'fill' }).raw().toBuffer()
  const input = new Tensor('float32', planes([{ pixels: scaled, width }], width, height), [1, 3, height, width])
  const output = await session.run({ [session.inputNames[0] as string]: input })
  const { data: probability } = output[session.outputNames[0] as string] as { data: Float32Array }
  const boxes = boxesOf(probability, width, height).map((box) => grown(box, info.width / width, info.height / height, info))
  return Promise.all(
    inReadingOrder(boxes).map(async (box) => {
      const lineWidth = Math.max(1, Math.ceil((lineHeight * box.width) / box.height))
      const pixels = await picture().extract(box).resize(lineWidth, lineHeight, { fit: 'fill' }).raw().toBuffer()
      return { pixels, width: lineWidth, box }
    }),
  )
}

/** The rectangles around pixels that hang together. */
export function boxesOf(probability: Float32Array, width: number, height: number): Box[] {
  const seen = new Uint8Array(probability.length)
  const boxes: Box[] = []
  for (let start = 0; start < probability.length; start++) {
    if (seen[start] || (probability[start] as number) <= pixelIs) continue
    let [left, right, top, bottom] = [width, 0, height, 0]
    const open = [start]
    seen[start] = 1
    for (let at = open.pop(); at !== undefined; at = open.pop()) {
      const [x, y] = [at % width, Math.floor(at / width)]
      left = Math.min(left, x)
      right = Math.max(right, x)
      top = Math.min(top, y)
      bottom = Math.max(bottom, y)
      for (const next of [x > 0 ? at - 1 : at, x < width - 1 ? at + 1 : at, at - width, at + width]) {
        if (seen[next] !== 0 || (probability[next] ?? 0) <= pixelIs) continue
        seen[next] = 1
        open.push(next)
      }
    }
    const box = { left, top, width: right - left + 1, height: bottom - top + 1 }
    if (Math.min(box.width, box.height) >= leastPixels && meanIn(probability, width, box) >= lineIs) boxes.push(box)
  }
  return boxes
}

function meanIn(probability: Float32Array, width: number, box: Box): number {
  let sum = 0
  for (let y = box.top; y < box.top + box.height; y++)
    for (let x = box.left; x < box.left + box.width; x++) sum += probability[y * width + x] as number
  return sum / (box.width * box.height)
}

/** Widened, and in pixels of the picture as it came. */
function grown(box: Box, scaleX: number, scaleY: number, within: { readonly width: number; readonly height: number }): Box {
  const more = (widened * box.width * box.height) / (2 * (box.width + box.height))
  const left = Math.max(0, Math.round((box.left - more) * scaleX))
  const top = Math.max(0, Math.round((box.top - more) * scaleY))
  const right = Math.min(within.width, Math.round((box.left + box.width + more) * scaleX))
  const bottom = Math.min(within.height, Math.round((box.top + box.height + more) * scaleY))
  return { left, top, width: Math.max(1, right - left), height: Math.max(1, bottom - top) }
}

/** From top to bottom; what stands side by side, from left to right. */
function inReadingOrder(boxes: readonly Box[]): Box[] {
  const rows: Box[][] = []
  for (const box of boxes.toSorted((a, b) => a.top - b.top)) {
    const row = rows.at(-1)
    const first = row?.[0]
    if (first && box.top + box.height / 2 < first.top + first.height) row.push(box)
    else rows.push([box])
  }
  return rows.flatMap((row) => row.toSorted((a, b) => a.left - b.left))
}
