/** The program that the bench `dashboard` watches: waits for a line, works on all cores, and says how long that took. */
import { once } from 'node:events'
import { map } from 'heddle'
import { work } from './dashboard.worker.mjs'

const tasks = Number(process.argv[2])
await map(
  Array.from({ length: 200 }, (_, i) => i),
  work,
)
await once(process.stdin, 'data')
process.stdin.destroy()
const before = performance.now()
const results = await map(
  Array.from({ length: tasks }, (_, i) => i),
  work,
)
const ms = performance.now() - before
if (results.length !== tasks || !results.every((value) => value > 0)) throw new Error('wrong results')
console.log(`took ${ms}`)
