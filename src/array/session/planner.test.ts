/** The order of a computation while others compute, too. */
import { expect, test } from 'vitest'
import type { DenseNode, Node } from '../expression/node.ts'
import { arange, type NDArray } from '../index.ts'
import { Planner } from './planner.ts'

test('a node that somebody else has computed, between being asked for and being looked at, holds nothing up', async () => {
  const total = arange(10).sum()
  const needs: NDArray = total.add(1)
  const computed = new Map<Node, DenseNode>()
  const planner = new Planner(computed)
  planner.demand([needs.node])
  // Looks at one node only: time is up.
  expect(planner.look(0)).toBe(false)
  const { node } = await total.persist({ threads: 0 })
  for (const below of inputs(needs.node)) computed.set(below, node as DenseNode)
  planner.look()
  expect(planner.next().flatMap((stage) => stage.nodes)).toEqual([needs.node])
})

const inputs = (node: Node): readonly Node[] => (node.kind === 'map' ? node.inputs : [])
