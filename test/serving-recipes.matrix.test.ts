/** The recipes of examples/serving that need more than the two models of everyday: run as a user runs them, in a project of their own. */
import type { ChildProcess } from 'node:child_process'
import { copyFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import OpenAI from 'openai'
import { afterAll, describe, expect, test } from 'vitest'
import { hasBrowser, launch } from './support/browser.ts'
import { spawnHeddle } from './support/cli.ts'
import { counterparts } from './support/counterparts.ts'
import { projectOf } from './support/jobs.ts'
import { ocrModels, smallModels } from './support/models.ts'

const onnx = counterparts('serving')
const folders: string[] = []
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
})

const native = counterparts('native')
const ocr = ocrModels()

describe.skipIf(!onnx || !native || !ocr || !hasBrowser)('OCR of a folder of pictures', () => {
  /** What stands in each picture, and how it is written there. */
  const pages: readonly { readonly file: string; readonly style: string; readonly lines: readonly string[] }[] = [
    {
      file: 'a letter.png',
      style: 'font: 28px serif',
      lines: ['Invoice 2026-114', 'Payment is due within 30 days.', 'Thank you for your order!'],
    },
    {
      file: 'b photo.jpeg',
      style: 'font: 30px sans-serif; background: #e8e0c8; color: #402010',
      lines: ['The quick brown fox jumps', 'over the lazy dog', 'PACK MY BOX: 5 dozen jugs'],
    },
    { file: 'c code.png', style: 'font: 26px monospace', lines: ['const answer = 42', 'return map(items, work)'] },
    {
      file: 'd dark.png',
      style: 'font: 24px sans-serif; background: #101418; color: #f0f0f0',
      lines: ['Departures 14:44 to 17:44', 'Platform 9 is closed'],
    },
    { file: 'e columns.png', style: 'font: 26px sans-serif; columns: 2; column-gap: 120px', lines: ['Total', 'EUR 1,250.00'] },
    { file: 'f bold.jpeg', style: 'font: bold 40px serif', lines: ['CHAPTER ONE', 'In which nothing happens'] },
    { file: 'g empty.png', style: '', lines: [] },
  ]

  test('reads what was written', async () => {
    const project = projectOf('serving/ocr', onnx, native)
    const scans = join(project, 'scans')
    folders.push(project)
    mkdirSync(scans)
    const browser = await launch()
    try {
      const page = await browser.newPage({ viewport: { width: 900, height: 420 } })
      for (const { file, style, lines } of pages) {
        const text = lines.map((line) => `<div style="break-after: column">${line}</div>`).join('')
        await page.setContent(`<body style="margin: 0; padding: 30px; line-height: 2; ${style}">${text}</body>`)
        await page.screenshot({ path: join(scans, file) })
      }
    } finally {
      await browser.close()
    }
    const { code, stdout, stderr } = await spawnHeddle(['run', '-q', 'main.ts', 'scans'], {
      cwd: project,
      env: { OCR_FIND: ocr?.find ?? '', OCR_READ: ocr?.read ?? '' },
      timeoutMs: 280_000,
    })
    expect([code, stderr]).toEqual([0, ''])
    const read = stdout.trim().split('\n\n')
    expect(read.map((part) => part.split('\n')[0])).toEqual(pages.map(({ file }) => file))
    const wrong = pages.map(({ lines }, at) =>
      distance(read[at]?.split('\n').slice(1).join('\n') ?? '', lines.join('\n') || '(no text)'),
    )
    const letters = pages.reduce((sum, { lines }) => sum + lines.join('\n').length, 0)
    console.log(`OCR: ${wrong.reduce((sum, one) => sum + one, 0)} of ${letters} letters wrong`)
    // One letter in a hundred: fonts differ from machine to machine.
    expect(wrong.reduce((sum, one) => sum + one, 0)).toBeLessThanOrEqual(letters / 100)
  })
})

const transformers = counterparts('transformers')
const models = smallModels()

describe.skipIf(!transformers || !models)('a model of transformers.js', () => {
  test('behind the server: near in meaning, and the same alone and in a batch', async () => {
    const project = projectOf('serving/transformers', transformers)
    folders.push(project)
    // The folder of a model as the Hub has it.
    const model = join(project, 'models/minilm')
    mkdirSync(join(model, 'onnx'), { recursive: true })
    copyFileSync(models?.minilm.model ?? '', join(model, 'onnx/model.onnx'))
    copyFileSync(models?.minilm.tokenizer ?? '', join(model, 'tokenizer.json'))
    writeFileSync(
      join(model, 'config.json'),
      JSON.stringify({ model_type: 'bert', architectures: ['BertModel'], hidden_size: 384 }),
    )
    const special = { pad_token: '[PAD]', cls_token: '[CLS]', sep_token: '[SEP]', unk_token: '[UNK]', mask_token: '[MASK]' }
    writeFileSync(
      join(model, 'tokenizer_config.json'),
      JSON.stringify({ tokenizer_class: 'BertTokenizer', model_max_length: 128, ...special }),
    )
    let child: ChildProcess | undefined
    const baseURL = await new Promise<string>((resolve, reject) => {
      const finished = spawnHeddle(['serve', '--json', 'serve.ts'], {
        cwd: project,
        timeoutMs: 280_000,
        onSpawn: (spawned) => (child = spawned),
        onOutput(_, stdout) {
          if (stdout.includes('"ready"')) resolve((JSON.parse(stdout.split('\n')[0] as string) as { baseURL: string }).baseURL)
        },
      })
      finished.then(({ stderr }) => reject(new Error(stderr)), reject)
    })
    try {
      const client = new OpenAI({ baseURL, apiKey: 'none' })
      const input = [
        'How do I cancel an order?',
        'I want to cancel what I have ordered.',
        'The sea was calm that evening.',
        ...Array.from({ length: 60 }, (_, i) => `Sentence number ${i} about the weather${' and the sea'.repeat(i % 7)}.`),
      ]
      const { data, usage } = await client.embeddings.create({ model: 'minilm', input })
      const dot = (a: readonly number[], b: readonly number[]): number =>
        a.reduce((sum, value, i) => sum + value * (b[i] as number), 0)
      const [a, b, c] = data.map(({ embedding }) => embedding) as [number[], number[], number[]]
      expect([a.length, dot(a, b) > 0.7, dot(a, c) < 0.3]).toEqual([384, true, true])
      expect(usage.prompt_tokens).toBeGreaterThan(400)
      let apart = 0
      for (const [at, text] of input.entries()) {
        const [alone] = (await client.embeddings.create({ model: 'minilm', input: text })).data
        for (const [i, value] of (alone?.embedding ?? []).entries())
          apart = Math.max(apart, Math.abs(value - (data[at]?.embedding[i] ?? Number.NaN)))
      }
      console.log(`transformers.js, batched and alone: at most ${apart.toExponential(1)} apart`)
      expect(apart).toBeLessThanOrEqual(1e-5)
    } finally {
      child?.kill('SIGTERM')
    }
  })
})

/** Letters to put in, leave out or change (Levenshtein). */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (const [i, letter] of [...a].entries()) {
    const next = [i + 1]
    for (let j = 0; j < b.length; j++)
      next.push(Math.min((next[j] as number) + 1, (row[j + 1] as number) + 1, (row[j] as number) + (letter === b[j] ? 0 : 1)))
    row = next
  }
  return row.at(-1) as number
}
