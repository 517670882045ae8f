import { expect, test } from 'vitest'
import { killedStory } from './support/kill.ts'
import { randomFrom } from './support/random.ts'

test('200 kills with signal 9: the output is the same each time, and no recorded step is run again', async () => {
  const random = randomFrom(Number(process.env.FC_SEED ?? Date.now()))
  const kinds = ['flush', 'fsync', 'graph', 'workers']
  const calm = await Promise.all(kinds.map(async (kind) => (await killedStory(kind, 0, random)).hash))
  let [kills, stories, same] = [0, 0, 0]
  const again: string[] = []
  for (; kills < 200; stories++) {
    const i = stories % kinds.length
    const story = await killedStory(kinds[i] as string, 4, random)
    kills += story.kills
    again.push(...story.again)
    if (story.hash === calm[i]) same++
  }
  console.log(`${kills} kills in ${stories} runs; the same output ${same} of ${stories}`)
  expect({ same, again }).toEqual({ same: stories, again: [] })
})
