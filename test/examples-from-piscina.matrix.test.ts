import { rmSync } from 'node:fs'
import { expect, test } from 'vitest'
import { counterparts } from './support/counterparts.ts'
import { projectOf, runJudged, runTimed } from './support/jobs.ts'

const jobs = counterparts('jobs')

test.skipIf(!jobs)('examples/from-piscina gives what the program with piscina gives', async () => {
  const project = projectOf('from-piscina', jobs)
  try {
    const before = await runTimed(project, 'plain.ts', '60')
    const after = await runJudged(project, 'main.ts', '60')
    expect(after.value).toEqual(before.value)
    expect(after.value).toMatchObject({ failures: { length: 4 } })
  } finally {
    rmSync(project, { recursive: true })
  }
})
