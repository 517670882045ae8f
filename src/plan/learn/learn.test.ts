import { expect, test } from 'vitest'
import { record } from '../../trace/index.ts'
import { graph } from '../../run/graph.ts'
import { readPlan } from '../formats/read.ts'
import { plan } from '../plan.ts'
import { type Samples, samplesOfJson, samplesOfTrace } from './durations.ts'
import { learn } from './learn.ts'

const learned = (...documents: readonly unknown[]): Samples => {
  const samples: Samples = new Map()
  for (const document of documents) samplesOfJson(document, samples)
  return samples
}

test('jobs of GitHub Actions become the durations of the workflow', async () => {
  const job = (name: string, minutes: number, conclusion = 'success') => ({
    name,
    conclusion,
    started_at: '2026-01-01T10:00:00Z',
    completed_at: new Date(Date.UTC(2026, 0, 1, 10, minutes)).toISOString(),
  })
  const workflow = await readPlan(
    'on: push\njobs:\n  lint: {}\n  test:\n    needs: lint\n    strategy: { matrix: { node: [20, 22] } }\n',
    { file: 'ci.yml' },
  )
  const project = learn(
    workflow,
    learned(
      { jobs: [job('lint', 2), job('test (20)', 6), job('test (22)', 9)] },
      [{ jobs: [job('lint', 4), job('test (20)', 50, 'failure')] }],
      { jobs: [job('lint', 3)] },
    ),
  )
  const { report } = plan(project)
  expect(report).toMatchObject({ sequential: 18, ideal: 12, unit: 'min' })
  expect(project.tasks[0]?.estimate).toEqual({ minMs: 120_000, likelyMs: 180_000, maxMs: 240_000 })
  expect(project.notes).toEqual(['3 of 3 tasks take what they took in past runs'])
})

test('a summary of turbo, without what came from the cache', () => {
  const task = (taskId: string, status: string) => ({
    taskId,
    cache: { status },
    execution: { startTime: 1_000, endTime: 3_500, exitCode: 0 },
  })
  expect([...learned({ tasks: [task('a#build', 'MISS'), task('b#build', 'HIT')] })]).toEqual([['a#build', [2_500]]])
})

test('what graph.run({ learn }) keeps', () => {
  expect([...learned({ format: 'heddle durations 1', tasks: { a: [5, 6], b: '2s' } })]).toEqual([
    ['a', [5, 6]],
    ['b', [2_000]],
  ])
})

test('named tasks of a trace', async () => {
  const g = graph('g')
  g.task('slow', () => new Promise((resolve) => setTimeout(resolve, 20)))
  const { trace } = await record(() => g.run())
  const samples: Samples = new Map()
  samplesOfTrace(trace, samples)
  expect(samples.get('slow')?.[0]).toBeGreaterThan(15)
})

test('tasks that never ran keep what the plan says', async () => {
  const project = await readPlan('tasks: { a: 2d, b: 3d }', { file: 'p.yaml' })
  expect(learn(project, new Map([['a', [3_600_000]]])).tasks.map(({ durationMs }) => durationMs / 3_600_000)).toEqual([1, 72])
})
