// oxlint-disable vitest/expect-expect -- what is expected of every program stands in `expectSameAndTrue`
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'vitest'
import { expectSameAndTrue, projectOf, runTimed } from './support/jobs.ts'

const megabytes = Number(process.env['HEDDLE_TEST_MEGABYTES'] ?? 120)

test('examples/orders makes the table of the plain program', async () => {
  const project = projectOf('orders')
  try {
    const file = join(project, 'orders.csv')
    await runTimed(project, 'generate.ts', file, String(megabytes))
    await expectSameAndTrue(project, [file])
  } finally {
    rmSync(project, { recursive: true })
  }
})
