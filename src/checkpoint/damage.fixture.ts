/** A journal of 64 KB, and what every kind of damage to it must come to: never a wrong value. */
import { randomFrom } from '../../test/support/random.ts'
import { encode, headerBody, keyText, recordBody } from './format.ts'
import { type Contents, Reader } from './reader.ts'

export interface Sample {
  readonly bytes: Uint8Array
  /** JSON by key. */
  readonly values: ReadonlyMap<string, string>
  /** Where each line begins. */
  readonly starts: readonly number[]
  readonly lastBatch: number
}

export function sampleJournal(size = 65_536): Sample {
  const random = randomFrom(16)
  const header = headerBody({ journal: 'heddle', format: 1, program: 'map "work"', version: '1', options: { model: 'small' } })
  const first = encode([header])
  const pieces: Uint8Array[] = [first]
  const starts = [0]
  const values = new Map<string, string>()
  let length = first.length
  let lastBatch = 0
  while (length < size) {
    lastBatch = length
    for (let left = 1 + random.below(6); left > 0 && length < size; left--) {
      const key = keyText(random.pick([[], ['part'], ['a', 'b']]), `ké"y\\${values.size}`)
      const json = JSON.stringify({ n: values.size, text: 'wörter '.repeat(random.below(240)) })
      const bytes = encode([recordBody(lastBatch, key, json)])
      values.set(key, json)
      starts.push(length)
      pieces.push(bytes)
      length += bytes.length
    }
  }
  return { bytes: Buffer.concat(pieces), values, starts, lastBatch }
}

export function read(bytes: Uint8Array): Contents {
  const reader = new Reader()
  reader.push(bytes)
  return reader.finish()
}

/** Gives what was read. @throws when a value is there that was never recorded */
export function readRight(bytes: Uint8Array, sample: Sample, what: string): Contents {
  const contents = read(bytes)
  if ('refused' in contents) return contents
  for (const [key, value] of contents.records) {
    const json = value && Buffer.from(value.buffer, value.byteOffset, value.length).toString('utf8')
    if (sample.values.get(key) !== json) throw new Error(`${what}: wrong value for ${key}: ${json}`)
  }
  return contents
}

/** Flips each bit in turn. Gives how many. @throws at the first that was not dealt with rightly */
export function checkFlips(sample: Sample, bytes: Iterable<number>, bits: readonly number[]): number {
  const copy = Uint8Array.from(sample.bytes)
  let count = 0
  for (const at of bytes) {
    for (const bit of bits) checkFlip(sample, copy, at, bit)
    count += bits.length
  }
  return count
}

/** Cuts the journal at each length in turn. Gives how many. @throws at the first that was not dealt with rightly */
export function checkCuts(sample: Sample, lengths: Iterable<number>): number {
  let count = 0
  for (const length of lengths) {
    checkCut(sample, length)
    count++
  }
  return count
}

export function* every(step: number, sample: Sample, from = 0): Generator<number> {
  for (let at = from; at < sample.bytes.length; at += step) yield at
}

function checkFlip(sample: Sample, copy: Uint8Array, at: number, bit: number): void {
  copy[at] = (copy[at] as number) ^ (1 << bit)
  const what = `bit ${bit} of byte ${at}`
  const contents = readRight(copy, sample, what)
  copy[at] = (copy[at] as number) ^ (1 << bit)
  const line = sample.starts.findLastIndex((start) => start <= at) + 1
  if ('refused' in contents) {
    const named = [`line ${line} is damaged`, ...(line === 1 ? ['line 1, bytes 0', 'not the header'] : [])]
    if (!named.some((words) => contents.refused.includes(words))) throw new Error(`${what}: refused as ${contents.refused}`)
  } else if (at < sample.lastBatch) throw new Error(`${what}: damage in the middle was not noticed`)
  else if (contents.end > at) throw new Error(`${what}: taken for good`)
}

function checkCut(sample: Sample, length: number): void {
  const contents = readRight(sample.bytes.subarray(0, length), sample, `cut to ${length} bytes`)
  const whole = sample.starts.filter((_start, i) => (sample.starts[i + 1] ?? sample.bytes.length) <= length).length
  if ('refused' in contents) {
    if (whole > 0) throw new Error(`cut to ${length} bytes: refused as ${contents.refused}`)
  } else if (contents.records.size !== whole - 1) throw new Error(`cut to ${length} bytes: ${contents.records.size} records`)
}
