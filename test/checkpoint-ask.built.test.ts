/** Batch inference that is killed; see checkpoint-ask.long.test.ts for fifty kills during 2,000 calls. */
import { expect, test } from 'vitest'
import { askedStory } from './support/ask-and-kill.ts'
import { randomFrom } from './support/random.ts'

test('calls of a model that are recorded are not sent again after kill -9, and no key is in the journal', async () => {
  const story = await askedStory(120, 3, randomFrom(6))
  expect(story.kills).toBe(3)
  expect(story.sentAgain).toEqual([])
  expect(story.extra).toBeLessThanOrEqual(3 * 8)
  expect(story.journal).not.toContain('sk-secret')
  expect(story.journal.trimEnd().split('\n')).toHaveLength(121)
})
