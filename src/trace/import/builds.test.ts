import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { readSpans } from './read.ts'
import { explainSpans, type SpanReport } from './report.ts'

interface Task {
  readonly name: string
  readonly needs?: readonly string[]
  /** Seconds; without them it did not run. */
  readonly from?: number
  readonly to?: number
}

async function explained(tasks: readonly Task[]): Promise<SpanReport> {
  const folder = mkdtempSync(join(tmpdir(), 'heddle-builds-'))
  try {
    const file = join(folder, 'run.json')
    const list = tasks.map(({ name, needs = [], from, to }) => ({
      taskId: name,
      package: name.split('#')[0],
      dependencies: needs,
      ...(from !== undefined && to !== undefined && { execution: { startTime: 1_000 * from, endTime: 1_000 * to, exitCode: 0 } }),
    }))
    writeFileSync(
      file,
      JSON.stringify({ turboVersion: '2.5.0', id: 'r1', execution: { command: 'turbo run build' }, tasks: list }),
    )
    return explainSpans(await readSpans([file]))
  } finally {
    rmSync(folder, { recursive: true })
  }
}

describe('a build whose needs are known', () => {
  test('waits for places: how many are enough, and what the run takes then', async () => {
    // Six tasks of 10 s, two at once, and a bundle of 5 s that needs them all.
    const six = Array.from({ length: 6 }, (_, i): Task => {
      const from = 10 * Math.floor(i / 2)
      return { name: `p${i}#build`, from, to: from + 10 }
    })
    const report = await explained([...six, { name: 'app#build', needs: six.map(({ name }) => name), from: 30, to: 35 }])
    const [finding] = report.findings
    expect(finding).toMatchObject({
      rule: 'places',
      evidence: 'needs',
      tier: 'likely',
      traces: 1,
      traceId: 'turbo run summary r1',
    })
    // 0 + 0 + 10 + 10 + 20 + 20 s of waiting; with six places 10 s and 5 s.
    expect(finding?.message).toBe(
      'tasks waited 1 m 0 s in sum for a free place, though what they need was done: at most 2 ran at once',
    )
    expect(finding?.savingMs).toBe(20_000)
    expect(finding?.proof).toEqual([
      'the runner says what each task needs; the longest chain takes 15.0 s: p0#build → app#build',
      'with 6 at once the run takes 15.0 s, with 2 and the longest chains first 35.0 s, if each task takes as long as it did',
    ])
    expect(finding?.remedy).toContain('--concurrency=6')
    expect(report.operations[0]?.predicted.p50).toBe(15_000)
  })

  test('is bound by its chain where each task began when its needs were done', async () => {
    const report = await explained([
      { name: 'a#build', from: 0, to: 10 },
      { name: 'b#build', from: 0, to: 4 },
      { name: 'c#build', needs: ['a#build'], from: 10, to: 15 },
    ])
    expect(report.findings).toEqual([])
    expect(report.operations[0]?.atBest.p50).toBe(15_000)
  })

  test('could have begun with what the rest waits for', async () => {
    // One place: short tasks came first, and the long chain last.
    const report = await explained([
      { name: 's1#build', from: 0, to: 10 },
      { name: 's2#build', from: 0, to: 10 },
      { name: 'long#build', from: 10, to: 30 },
    ])
    const [finding] = report.findings
    expect(finding?.savingMs).toBe(10_000)
    expect(finding?.remedy).toMatch(/^start what has the longest chain behind it first/)
  })

  test('needs go through tasks that did not run', async () => {
    const report = await explained([
      { name: 'ui#build', from: 0, to: 10 },
      { name: 'types#build', needs: ['ui#build'] },
      { name: 'app#build', needs: ['types#build'], from: 10, to: 20 },
    ])
    // Without the way through types#build, app#build would seem to have waited for a place.
    expect(report.findings).toEqual([])
  })
})
