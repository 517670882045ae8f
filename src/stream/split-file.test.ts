import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import * as fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { InvalidOption, RecordTooLong } from '../base/errors.ts'
import { type FilePart, readPart, splitFile, type SplitFileOptions } from './split-file.ts'
import { stream } from './stream.ts'
import { runs } from '../../test/support/runs.ts'

let folder: string
beforeAll(() => void (folder = mkdtempSync(join(tmpdir(), 'heddle-'))))
afterAll(() => rmSync(folder, { recursive: true }))

function file(content: string | Uint8Array): string {
  const path = join(folder, 'data')
  writeFileSync(path, content)
  return path
}

async function partsOf(content: string | Uint8Array, options: SplitFileOptions): Promise<FilePart[]> {
  const parts: FilePart[] = []
  for await (const part of splitFile(file(content), options)) parts.push(part)
  return parts
}

async function textsOf(content: string | Uint8Array, options: SplitFileOptions): Promise<string[]> {
  const parts = await partsOf(content, options)
  return Promise.all(parts.map(async (part) => (await readPart(part)).toString()))
}

describe('splitFile', () => {
  test('ends parts where records end', async () => {
    expect(await textsOf('one\ntwo\nthree\nfour\n', { bytes: 5 })).toEqual(['one\ntwo\n', 'three\n', 'four\n'])
    expect(await textsOf('one\ntwo', { bytes: 1 })).toEqual(['one\n', 'two'])
    expect(await textsOf('one\ntwo', { bytes: 100 })).toEqual(['one\ntwo'])
    expect(await textsOf('', {})).toEqual([])
    expect(await textsOf('a\r\nb\r\nc', { bytes: 2, end: '\r\n' })).toEqual(['a\r\n', 'b\r\n', 'c'])
    expect(await textsOf('a;;b;c;;', { bytes: 1, end: ';;' })).toEqual(['a;;', 'b;c;;'])
  })

  test('takes ends between quotes for part of a record', async () => {
    const rows = ['1,"a\nb"\n', '2,"say ""\n"""\n', '3,x\n', '"\r\n",4\r\n', '5']
    expect(await textsOf(rows.join(''), { bytes: 1, quote: '"' })).toEqual(rows)
    expect(await textsOf('"\r\n",1\r\n2', { bytes: 1, quote: '"', end: '\r\n' })).toEqual(['"\r\n",1\r\n', '2'])
  })

  test('leaves out the header and the byte order mark, and gives the header with each part', async () => {
    const parts = await partsOf('\uFEFFid,"a\nb"\r\n1,x\r\n2,y\r\n', { bytes: 1, quote: '"', header: true })
    expect(parts.map(({ header }) => header)).toEqual(['id,"a\nb"', 'id,"a\nb"'])
    expect(await readPart(parts[0] as FilePart)).toEqual(Buffer.from('1,x\r\n'))
    expect(await partsOf('id\n', { header: true })).toEqual([])
  })

  test('gives every record once, whole and in order, whatever the records, sizes and ends', async () => {
    const field = fc.oneof(
      fc.string({ unit: fc.constantFrom('a', 'ü', '€', '😀', ','), maxLength: 6 }),
      fc.string({ unit: fc.constantFrom('a', '\n', '\r\n', '""', '€'), maxLength: 6 }).map((text) => `"${text}"`),
    )
    const records = fc.array(fc.array(field, { minLength: 1, maxLength: 3 }), { maxLength: 12 })
    await fc.assert(
      fc.asyncProperty(
        records,
        fc.integer({ min: 1, max: 40 }),
        fc.constantFrom('\n', '\r\n'),
        fc.boolean(),
        async (rows, bytes, end, last) => {
          const wanted = rows.map((row) => `x${row.join(',')}${end}`)
          if (last) wanted.push('no end')
          const texts = await textsOf(wanted.join(''), { bytes, end, quote: '"' })
          expect(texts.join('')).toBe(wanted.join(''))
          // Each part is a number of whole records.
          let at = 0
          for (const text of texts) {
            let whole = ''
            while (whole.length < text.length) whole += wanted[at++]
            expect(text).toBe(whole)
            expect(Buffer.byteLength(text) >= bytes || at === wanted.length).toBe(true)
          }
        },
      ),
      { numRuns: runs(80, 600) },
    )
  })

  test('crosses the pieces that it reads in', async () => {
    const rows = Array.from({ length: 3_000 }, (_, i) => `${i},"${'€\n'.repeat(i % 700)}"\n`)
    const texts = await textsOf(rows.join(''), { bytes: 100_000, quote: '"' })
    expect(texts.join('')).toBe(rows.join(''))
    for (const text of texts) expect(text).toMatch(/^\d+,"[^"]*"\n/)
    const lines = Array.from({ length: 60 }, (_, i) => `${i}${'x'.repeat(10 + i * 5_000)}||`)
    const found = await textsOf(lines.join(''), { bytes: 10, end: '||' })
    expect(found).toEqual(lines)
  })

  test('bounds how long a record may be', async () => {
    const long = `${'x'.repeat(200_000)}\n`
    await expect(partsOf(long, { bytes: 10, recordBytes: 100_000 })).rejects.toThrow(
      /more than 100000 bytes: none ends between byte 9 and/,
    )
    const open = partsOf(`a,"b\n${'c\n'.repeat(1_000_000)}`, { quote: '"', bytes: 10, recordBytes: 1_000_000 })
    await expect(open).rejects.toMatchObject({ code: 'HEDDLE_RECORD_TOO_LONG', hint: expect.stringContaining('never closed') })
    await expect(open).rejects.toBeInstanceOf(RecordTooLong)
  })

  test('refuses what has no records by name', async () => {
    await expect(partsOf(gzipSync('a\n'), {})).rejects.toThrow(/is compressed with gzip/)
    await expect(partsOf(Buffer.from('\uFEFFa\n', 'utf16le'), {})).rejects.toThrow(/is in UTF-16/)
    await expect(partsOf('a', { end: '' })).rejects.toThrow(InvalidOption)
    await expect(partsOf('a', { quote: '€' })).rejects.toThrow(/one ASCII character/)
    await expect(splitFile(join(folder, 'none')).next()).rejects.toThrow(/ENOENT/)
    await expect(splitFile(folder).next()).rejects.toThrow(/regular file/)
    if (process.platform === 'win32') return
    execFileSync('mkfifo', [join(folder, 'pipe')])
    await expect(splitFile(join(folder, 'pipe')).next()).rejects.toThrow(/regular file/)
  })

  test('is a source, and closes its file when it is left', async () => {
    const path = file('1\n2\n3\n')
    const sum = (part: FilePart): Promise<number> => readPart(part).then((bytes) => Number(bytes.toString()))
    expect(
      await stream(splitFile(path, { bytes: 1 }))
        .map(sum)
        .toArray(),
    ).toEqual([1, 2, 3])
    expect(
      await stream(splitFile(path, { bytes: 1 }))
        .take(1)
        .map(sum)
        .toArray(),
    ).toEqual([1])
    const [part] = await partsOf('1\n2\n3\n', {})
    file('1')
    await expect(readPart(part as FilePart)).rejects.toThrow(/has become shorter/)
  })
})
