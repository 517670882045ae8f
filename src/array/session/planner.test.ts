/** The planner: whatever graph is given, it ends; and what it plans computes the right values. */
import { expect, test } from 'vitest'
import { randomGraph } from '../../../test/support/array-graphs.ts'
import { randomFrom } from '../../../test/support/random.ts'
import * as da from '../index.ts'
import { makeNode, type DenseNode, type Node } from '../expression/node.ts'
import { Planner } from './planner.ts'
import { unknownBelow } from '../expression/refine.ts'
import { contiguousStrides, sizeOf } from '../expression/shape.ts'
import { runs } from '../../../test/support/runs.ts'

const here = { threads: 0 } as const
const elements = (result: unknown): number[] =>
  result instanceof da.Dense ? Array.from(result.data as Iterable<number>, Number) : [Number(result)]

/** Plans with stand-ins for results; @returns the number of stages */
function plan(targets: readonly Node[]): number {
  const computed = new Map<Node, DenseNode>()
  const planner = new Planner(computed)
  planner.demand(targets)
  planner.look()
  let stages = 0
  for (let ready = planner.next(); ready.length > 0; planner.look(), ready = planner.next()) {
    for (const { nodes } of ready) {
      stages++
      for (const node of nodes) {
        const { dtype, shape } = node
        const buffer = new SharedArrayBuffer(8 * sizeOf(shape))
        computed.set(
          node,
          makeNode({ kind: 'dense', dtype, shape, buffer, offset: 0, strides: contiguousStrides(shape), chunk: undefined }),
        )
        planner.settled(node)
      }
    }
  }
  for (const target of targets) expect(target.kind === 'dense' || computed.has(target)).toBe(true)
  return stages
}

test('planning ends for random graphs, in fewer stages than they have values', () => {
  for (let seed = 0; seed < runs(100, 10_000); seed++) {
    const { outputs, values } = randomGraph(randomFrom(seed), 24)
    const nodes = outputs.map(({ array }) => array.node)
    const unknown = unknownBelow(nodes, new Map())
    // A step makes at most a handful of nodes that cannot be fused.
    expect(plan(unknown.length > 0 ? unknown : nodes), `seed ${seed}`).toBeLessThanOrEqual(4 * values.length + 4)
  }
})

test('random graphs with shared parts and several results give what plain lists give', async () => {
  for (let seed = 0; seed < runs(30, 1_500); seed++) {
    const { outputs, python } = randomGraph(randomFrom(seed))
    const results = await da.compute(
      outputs.map(({ array }) => array),
      here,
    )
    outputs.forEach(({ name, plain }, i) => {
      const where = `seed ${seed}: ${name} of ${python.join('; ')}`
      const result = results[i]
      expect({ where, shape: result instanceof da.Dense ? result.shape : [] }).toEqual({ where, shape: plain.shape })
      expect({ where, data: elements(result) }).toEqual({ where, data: [...plain.data] })
    })
  }
}, 120_000)

const x = da.from([1.5, 2, 3.25, 4])
const centred = (a: da.NDArray): da.NDArray => a.subtract(a.mean())

test.each<readonly [string, da.NDArray, readonly number[]]>([
  [
    'softmax',
    (() => {
      const e = x.subtract(x.max()).exp()
      return e.divide(e.sum())
    })(),
    [0.048577132300391915, 0.08009015129327039, 0.27954209552851966, 0.5917906208778181],
  ],
  ['log-sum-exp', x.subtract(x.max()).exp().sum().log().add(x.max()), [4.524602385]],
  ['centring twice', centred(centred(x)), [-1.1875, -0.6875, 0.5625, 1.3125]],
  ['z-scores', centred(x).divide(x.std()), [-1.1992694, -0.6943138, 0.5680749, 1.3255082]],
  [
    'layer norm',
    (() => {
      const rows = da.from([
        [1, 2, 3],
        [4, 6, 11],
      ])
      const mean = rows.mean({ axis: -1, keepdims: true })
      const variance = rows.subtract(mean).square().mean({ axis: -1, keepdims: true })
      return rows.subtract(mean).divide(variance.add(1e-5).sqrt())
    })(),
    [-1.224736, 0, 1.224736, -1.019049, -0.339683, 1.358732],
  ],
])('%s', async (_, array, expected) => {
  const got = elements(await array.compute(here))
  expect(got.length).toBe(expected.length)
  got.forEach((value, i) => expect(value).toBeCloseTo(expected[i] as number, 5))
})

test('every random graph can be explained', () => {
  for (let seed = 0; seed < runs(40, 500); seed++) {
    const { values, python } = randomGraph(randomFrom(2e6 + seed))
    const where = python.join('; ')
    expect({ where, plan: values.at(-1)?.array.explain() }).toEqual({ where, plan: expect.stringMatching(/on one thread/) })
  }
  const columns = da.random([1_000, 10], { seed: 1 })
  expect(columns.mean({ axis: 0 }).get(3).add(columns.get(0)).explain()).toContain('3 passes')
})

test('results that need each other', async () => {
  const mean = x.mean()
  expect(await da.compute([mean, x.subtract(mean).square().mean()], here)).toEqual([2.6875, 0.98046875])
  const t = da.random([3, 3], { seed: 1 })
  const [same, turned] = await da.compute([t, t.T], here)
  expect(turned.item(0, 2)).toBe(same.item(2, 0))
})

test('expressions deeper than the stack, and wider than a kernel', async () => {
  let deep: da.NDArray = x
  for (let i = 0; i < 20_000; i++) deep = deep.add(1)
  expect(elements(await deep.compute(here))).toEqual([20_001.5, 20_002, 20_003.25, 20_004])
  const wide = Array.from({ length: 2_000 }, (_, i) => x.add(i).sum())
  expect((await da.compute(wide, here)).at(-1)).toBe(10.75 + 4 * 1_999)
  const parts = Array.from({ length: 500 }, (_, i) => da.full([100], i) as da.NDArray)
  const dense = await Promise.all(parts.map((part) => part.persist(here)))
  expect(
    await dense
      .reduce((a, b) => a.add(b))
      .sum()
      .compute(here),
  ).toBe(100 * 124_750)
})

test('halves of halves, and stencils of stencils, do not grow without bound', async () => {
  const start = await da.integers(0, 100, [2 ** 14], { seed: 1 }).persist(here)
  let halves: da.NDArray = start
  while (halves.size > 1) halves = halves.get('::2').add(halves.get('1::2'))
  expect(elements(await halves.compute(here))).toEqual([await start.sum().compute(here)])
  let stencil: da.NDArray = start.get(':500').astype('f64')
  let plain = elements(await stencil.compute(here))
  for (let i = 0; i < 60; i++) {
    stencil = stencil.get(':-2').add(stencil.get('1:-1')).add(stencil.get('2:')).divide(3)
    plain = plain.slice(2).map((right, k) => ((plain[k] as number) + (plain[k + 1] as number) + right) / 3)
  }
  expect(elements(await stencil.compute(here))).toEqual(plain)
}, 120_000)

test('an abort ends a computation of many small stages, and timers get their turn in it', async () => {
  let chain: da.NDArray = da.random([8], { seed: 1 })
  for (let i = 0; i < 3_000; i++) chain = centred(chain)
  const controller = new AbortController()
  let turns = 0
  const timer = setInterval(() => {
    if (++turns === 3) controller.abort()
  }, 1)
  await expect(chain.compute({ ...here, signal: controller.signal })).rejects.toMatchObject({ code: 'HEDDLE_CANCELLED' })
  clearInterval(timer)
  expect(turns).toBe(3)
})

test('a node that somebody else has computed, between being asked for and being looked at, holds nothing up', async () => {
  const total = da.arange(10).sum()
  const needs: da.NDArray = total.add(1)
  const computed = new Map<Node, DenseNode>()
  const planner = new Planner(computed)
  planner.demand([needs.node])
  // Looks at one node only: time is up.
  expect(planner.look(0)).toBe(false)
  const { node } = await total.persist(here)
  for (const below of inputs(needs.node)) computed.set(below, node as DenseNode)
  planner.look()
  expect(planner.next().flatMap((stage) => stage.nodes)).toEqual([needs.node])
})

const inputs = (node: Node): readonly Node[] => (node.kind === 'map' ? node.inputs : [])
