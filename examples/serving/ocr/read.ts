/** The text of lines: the model gives the probability of each character in each column, and what follows itself is one character (CTC). */
import { type InferenceSession, Tensor } from 'onnxruntime-node'
import { type Line, lineHeight, planes } from './lines.ts'

/** The model was trained on tensors that are at least so wide. */
const leastWidth = 320

export async function textsOf(
  session: InferenceSession,
  characters: readonly string[],
  lines: readonly Line[],
): Promise<string[]> {
  const width = Math.max(leastWidth, ...lines.map((line) => line.width))
  const input = new Tensor('float32', planes(lines, width, lineHeight), [lines.length, 3, lineHeight, width])
  const output = await session.run({ [session.inputNames[0] as string]: input })
  const { data, dims } = output[session.outputNames[0] as string] as { data: Float32Array; dims: readonly number[] }
  const [, columns = 0, classes = 0] = dims
  if (classes !== characters.length) throw new Error(`The model knows ${classes} characters, its file names ${characters.length}`)
  return lines.map((_line, i) => written(data.subarray(i * columns * classes, (i + 1) * columns * classes), classes, characters))
}

function written(probability: Float32Array, classes: number, characters: readonly string[]): string {
  let text = ''
  let last = 0
  for (let column = 0; column < probability.length; column += classes) {
    let best = 0
    for (let i = 1; i < classes; i++) if ((probability[column + i] as number) > (probability[column + best] as number)) best = i
    // The first class is "nothing here".
    if (best !== 0 && best !== last) text += characters[best] as string
    last = best
  }
  return text.trim()
}

/**
 * The characters that the model knows, by class: they stand in the metadata of its file, which ONNX Runtime for JavaScript does not show.
 * An ONNX file is a message of Protocol Buffers; field 14 of it is a list of pairs of a key (field 1) and a value (field 2).
 */
export function charactersOf(file: Uint8Array): string[] {
  for (const { field, bytes } of fieldsOf(file)) {
    if (field !== 14) continue
    const [key, value] = [...fieldsOf(bytes)].map((part) => Buffer.from(part.bytes).toString())
    if (key === 'character' && value !== undefined) return ['', ...value.replace(/\n$/, '').split('\n'), ' ']
  }
  throw new Error('The file of the model does not name its characters')
}

function* fieldsOf(bytes: Uint8Array): Generator<{ readonly field: number; readonly bytes: Uint8Array }> {
  let at = 0
  const number = (): number => {
    for (let value = 0, factor = 1; ; factor *= 128) {
      const byte = bytes[at++] as number
      value += (byte & 127) * factor
      if (byte < 128) return value
    }
  }
  while (at < bytes.length) {
    const tag = number()
    const kind = tag & 7
    const length = kind === 2 ? number() : kind === 5 ? 4 : kind === 1 ? 8 : 0
    if (kind === 0) number()
    yield { field: Math.floor(tag / 8), bytes: bytes.subarray(at, at + length) }
    at += length
  }
}
