/** Programs that send batches, killed at any moment: nothing is sent or paid for twice. */
import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { simulate } from '../src/ai/simulator/index.ts'
import { runAndKill } from './support/kill.ts'
import { randomFrom } from './support/random.ts'

const calls = 200
const kills = Number(process.env['KILLS'] ?? 50)

test.each(['openai', 'anthropic'])('fifty kills during batches of %s', async (kind) => {
  const random = randomFrom(Number(process.env['FC_SEED'] ?? Date.now()))
  // A batch takes a second or so: programs die before, while and after it is sent, and while it runs.
  await using provider = await simulate({ timeScale: 3_000, batches: { duration: '30m' } })
  const folder = mkdtempSync(join(tmpdir(), 'heddle-batches-'))
  const journal = join(folder, 'run.jsonl')
  const size = (): number => statSync(journal, { throwIfNoEntry: false })?.size ?? 0
  const expected = createHash('sha256')
    .update(JSON.stringify(Array.from({ length: calls }, (_, i) => String(i + 1))))
    .digest('hex')
  try {
    for (let killed = 0; ;) {
      const before = size()
      const begun = (): boolean => size() > before || killed % 3 === 0
      const ended = await runAndKill(
        'batches.mjs',
        [folder, provider.baseURL, kind, String(calls)],
        begun,
        killed < kills ? random.below(killed % 3 === 0 ? 900 : 60) : 600_000,
      )
      if (ended.killed) {
        killed++
        continue
      }
      expect(ended.err).toBe('')
      expect(JSON.parse(ended.out)).toEqual({ hash: expected })
      if (killed >= kills || size() === before) break
      // It was done before it could be killed: begin again with what is left to kill.
      if (killed < kills) rmSync(journal)
      if (killed < kills) provider.reset()
    }
    const { batches } = provider.stats()
    console.log(`${kind}: ${kills} kills, ${batches.batches} batches, ${batches.answered} answers for ${calls} calls`)
    expect(batches.answered).toBe(calls)
    expect(readFileSync(journal, 'utf8')).not.toContain('sk-secret')
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})
