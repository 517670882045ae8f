import { expect, test } from 'vitest'
import { askedStory } from './support/ask-and-kill.ts'
import { randomFrom } from './support/random.ts'

test('fifty kills during 2,000 journalled calls: no recorded call is sent again', async () => {
  const random = randomFrom(Number(process.env.FC_SEED ?? Date.now()))
  const calm = await askedStory(2_000, 0, random)
  const story = await askedStory(2_000, 50, random)
  console.log(
    `${story.kills} kills; sent again though recorded: ${story.sentAgain.length}; ${story.extra} were under way at a kill`,
  )
  expect(story.kills).toBe(50)
  expect(story.sentAgain).toEqual([])
  expect(story.hash).toBe(calm.hash)
  expect(story.extra).toBeLessThanOrEqual(50 * 8)
  expect(story.journal).not.toContain('sk-secret')
})
