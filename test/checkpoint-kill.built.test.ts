/** Real programs, really killed; see checkpoint-kill.long.test.ts for two hundred kills. */
import { describe, expect, test } from 'vitest'
import { killedStory } from './support/kill.ts'
import { randomFrom } from './support/random.ts'

describe('kill -9 at any moment', () => {
  test.each([
    ['a map', 'flush', 8],
    ['a map, synced', 'fsync', 8],
    ['a graph', 'graph', 8],
    ['a map over a worker function', 'workers', 0],
  ])('%s ends with the same output', async (_, kind, concurrency) => {
    const calm = await killedStory(kind, 0, randomFrom(1))
    const story = await killedStory(kind, 3, randomFrom(2))
    expect(story.kills).toBeGreaterThan(0)
    expect(story).toMatchObject({ hash: calm.hash, again: [] })
    expect(story.mostRepeated).toBeLessThanOrEqual(concurrency)
  })
})
