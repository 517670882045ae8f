import { describe, expect, test } from 'vitest'
import { timelineSvg } from '../report/svg.ts'
import { pipelineTimeline } from './pipeline.ts'

const times = { stages: 4, microbatches: 8, forward: 1, backward: 2 }

describe('the timeline of a pipeline', () => {
  //  0 F0 F1 F2 F3          B0 F4 …
  //  1    F0 F1 F2       B0 F3 …
  test.each(['1f1b', 'gpipe'] as const)('takes (microbatches + stages - 1) × both passes in %s', (order) => {
    const { seconds, idle } = pipelineTimeline(order, times)
    expect(seconds).toBe((8 + 3) * 3)
    expect(idle).toBeCloseTo(3 / 11)
  })

  test('holds as many microbatches as there are stages in 1F1B, and all in GPipe', () => {
    expect(pipelineTimeline('1f1b', times).held).toBe(4)
    expect(pipelineTimeline('gpipe', times).held).toBe(8)
  })

  test('has nothing overlap in a stage, and every need before what needs it', () => {
    const { tasks } = pipelineTimeline('1f1b', { ...times, hop: 0.1, exchange: 3, update: 1 })
    for (let stage = 0; stage < 4; stage++) {
      const own = tasks.filter((task) => task.stage === stage && task.kind !== 'hop').toSorted((a, b) => a.start - b.start)
      own.slice(1).forEach((task, i) => expect(task.start).toBeGreaterThanOrEqual((own[i]?.end ?? 0) - 1e-9))
    }
    const ends = new Map(tasks.map(({ name, end }) => [name, end]))
    const tooEarly = tasks.filter(({ kind, stage, microbatch, start }) => {
      const [from, letter] = kind === 'forward' ? [stage - 1, 'F'] : [stage + 1, 'B']
      const input = kind === 'forward' || kind === 'backward' ? ends.get(`${letter}${microbatch} on ${from}`) : undefined
      return input !== undefined && start < input + 0.1 - 1e-9
    })
    expect(tooEarly).toEqual([])
    expect(tasks.filter(({ kind }) => kind === 'hop')).toHaveLength(2 * 3 * 8)
  })

  test('ends with the exchange and the update, and its critical path has no gap', () => {
    const { tasks, seconds } = pipelineTimeline('1f1b', { ...times, exchange: 3, update: 1 })
    expect(seconds).toBe(33 + 4)
    const critical = tasks.filter((task) => task.critical).toSorted((a, b) => a.start - b.start)
    expect(critical[0]?.start).toBe(0)
    critical.slice(1).forEach((task, i) => expect(task.start).toBeCloseTo(critical[i]?.end ?? -1))
    expect(critical.at(-1)?.kind).toBe('update')
  })

  test('of fewer microbatches than stages, and of one stage', () => {
    expect(pipelineTimeline('1f1b', { ...times, microbatches: 2 }).seconds).toBe((2 + 3) * 3)
    expect(pipelineTimeline('1f1b', { ...times, stages: 1 })).toMatchObject({ seconds: 24, held: 1 })
  })

  test('is drawn as one row per stage', () => {
    const svg = timelineSvg(pipelineTimeline('1f1b', times))
    expect(svg.match(/>stage \d</g)).toHaveLength(4)
    expect(svg.match(/<rect x/g)).toHaveLength(64)
    expect(svg).not.toMatch(/NaN|undefined/)
  })
})
