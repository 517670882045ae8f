import { describe, expect, test } from 'vitest'
import { checkCuts, checkFlips, every, read, readRight, sampleJournal } from './damage.fixture.ts'
import { Reader } from './reader.ts'
import { runs } from '../../test/support/runs.ts'

const sample = sampleJournal()
const lineAt = (i: number): Uint8Array => sample.bytes.subarray(sample.starts[i], sample.starts[i + 1])
const bits = [0, 1, 2, 3, 4, 5, 6, 7]
const lines = sample.starts.map((_, i) => lineAt(i))

describe('a journal of 64 KB', () => {
  test('reads as it was written, in pieces of any size', () => {
    for (const size of [1, 7, 100_000]) {
      const reader = new Reader()
      for (let at = 0; at < sample.bytes.length; at += size) reader.push(sample.bytes.subarray(at, at + size))
      const contents = reader.finish()
      if ('refused' in contents) throw new Error(contents.refused)
      expect([...contents.records.keys()]).toEqual([...sample.values.keys()])
      expect(contents.end).toBe(sample.bytes.length)
      expect(contents.last).toMatchObject({ start: sample.lastBatch, bytes: sample.bytes.subarray(sample.lastBatch) })
    }
    expect(readRight(sample.bytes, sample, 'whole')).toHaveProperty('end')
  })

  test('with flipped bits: never a wrong value, and named when it is in the middle', () => {
    expect(checkFlips(sample, every(97, sample), bits)).toBeGreaterThan(5_000)
  })

  test('cut: what is whole is kept', () => {
    expect(checkCuts(sample, every(31, sample, 1))).toBeGreaterThan(2_000)
  })

  test('with a line taken out, doubled, or swapped with the next: refused, or only the last batch is lost', () => {
    const edits = {
      'taken out': (i: number) => lines.filter((_, k) => k !== i),
      doubled: (i: number) => lines.flatMap((line, k) => (k === i ? [line, line] : [line])),
      swapped: (i: number) => lines.with(i, lines[i + 1] as Uint8Array).with(i + 1, lines[i] as Uint8Array),
    }
    const wrong: string[] = []
    for (const [name, edit] of Object.entries(edits)) {
      for (let i = 0; i < lines.length - 1; i++) {
        const contents = readRight(Buffer.concat(edit(i)), sample, `line ${i + 1} ${name}`)
        const kept = 'refused' in contents ? sample.bytes.length : contents.end
        if (kept < sample.lastBatch - lineAt(i).length) wrong.push(`line ${i + 1} ${name}: only ${kept} bytes kept`)
        // What follows is not where it was written, and says so.
        const moves = name !== 'swapped' && (sample.starts[i] as number) < sample.lastBatch
        if (moves && !('refused' in contents)) wrong.push(`line ${i + 1} ${name}: not noticed`)
      }
    }
    expect(wrong).toEqual([])
  })

  test('with blocks that never reached the disk: a torn tail in the last batch, damage before it', () => {
    const zeroed = (from: number, to: number): Uint8Array => Uint8Array.from(sample.bytes).fill(0, from, to)
    const tail = read(zeroed(sample.lastBatch + 10, sample.lastBatch + 60))
    expect(tail).toMatchObject({ end: sample.lastBatch })
    const middle = sample.starts.findLast((start) => start < sample.lastBatch) as number
    expect(read(zeroed(middle + 5, middle + 20))).toMatchObject({ refused: expect.stringContaining('is damaged') })
  })
})

test('a small journal, with every bit flipped and cut at every byte; see reader.long.test.ts for 64 KB', () => {
  const small = sampleJournal(runs(1_024, 4_096))
  const { length } = small.bytes
  expect(checkFlips(small, every(1, small), bits)).toBe(length * 8)
  expect(checkCuts(small, every(1, small, 1))).toBe(length - 1)
})

test.each([
  ['', 'it is empty'],
  ['hello\n', 'its first line is not the header of a journal'],
  ['{"a":1}\n{"b":2}\n', 'its first line is not the header of a journal'],
  ['\n\n', 'its first line is not the header of a journal'],
  ['["00000000",{"journal":"heddle"}]\n', 'its header is damaged (line 1, bytes 0 to 34)'],
])('%j is refused', (text, refused) => {
  expect(read(Buffer.from(text))).toEqual({ refused })
})
