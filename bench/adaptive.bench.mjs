/**
 * How many calls at once, when nobody says so: a real HTTP server takes 24 at once and collapses beyond that; half-way it
 * takes only 8. The contenders with a fixed number are told the best one; "24, then 8" is told even when it changes.
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { Agent, request } from 'node:http'
import { fileURLToPath } from 'node:url'
import { limiter, map } from 'heddle'

const phaseMs = 5_000
const knees = [24, 8]

/**
 * @typedef {object} Server
 * @property {() => Promise<void>} call throws an error with a `status` when it is refused
 * @property {(knee: number) => Promise<unknown>} move
 * @property {() => Promise<unknown>} close
 */

/** @returns {Promise<Server>} */
async function openServer() {
  const child = fork(fileURLToPath(new URL('adaptive.child.mjs', import.meta.url)))
  const [port] = await once(child, 'message')
  const agent = new Agent({ keepAlive: true })
  return {
    call: () =>
      new Promise((resolve, reject) => {
        request({ port, host: '127.0.0.1', agent }, (response) => {
          response.resume().on('end', () => {
            if (response.statusCode === 200) resolve()
            else reject(Object.assign(new Error('refused'), { status: response.statusCode }))
          })
        })
          .on('error', reject)
          .end()
      }),
    move: (knee) => {
      child.send(knee)
      return once(child, 'message')
    },
    close: () => {
      agent.destroy()
      child.kill()
      return once(child, 'exit')
    },
  }
}

/**
 * Both phases, back to back. `work` makes calls until `over()`; `phase()` is the index of the present phase.
 * @param {(call: () => Promise<void>, over: () => boolean, phase: () => number) => Promise<unknown>} work
 */
function contender(work) {
  return async () => {
    const server = await openServer()
    const measure = async () => {
      const answers = [0, 0]
      let [calls, refused, phase] = [0, 0, 0]
      const call = async () => {
        calls++
        try {
          await server.call()
          answers[phase]++
        } catch (error) {
          refused++
          throw error
        }
      }
      await server.move(knees[0])
      const until = performance.now() + 2 * phaseMs
      setTimeout(() => void server.move(knees[1]).then(() => (phase = 1)), phaseMs)
      await work(
        call,
        () => performance.now() >= until,
        () => phase,
      )
      const [first, second] = answers.map((count) => (count / phaseMs) * 1_000)
      return {
        figure: (2 * phaseMs) / (answers[0] + answers[1]),
        'answers per s at 24': first,
        'answers per s at 8': second,
        'refused %': (refused / calls) * 100,
      }
    }
    return { measure, close: server.close }
  }
}

/** So many lanes by hand; `count` may change from phase to phase. @param {readonly number[]} counts */
const fixed = (counts) =>
  contender(async (call, over, phase) => {
    const lane = async (/** @type {number} */ number) => {
      while (!over()) {
        if (number >= counts[phase()]) await new Promise((resolve) => setTimeout(resolve, 50))
        else await call().catch(() => {})
      }
    }
    await Promise.all(Array.from({ length: Math.max(...counts) }, (_, number) => lane(number)))
  })

/** @type {import('./harness/measure.mjs').Bench} */
export default {
  about: 'calls of a server that takes 24 at once, and 8 after half of the time',
  unit: 'ms per answer',
  reference: '24, then 8',
  rounds: 3,
  warmups: 0,
  contenders: {
    '24, then 8': fixed([24, 8]),
    'heddle map': contender((call, over) => {
      const endless = (function* () {
        while (!over()) yield 0
      })()
      return map(endless, call, { concurrency: 'auto', onFailure: 'settle' })
    }),
    'heddle limiter': contender((call, over) => {
      const limit = limiter({ concurrency: 'auto' })
      const lane = async () => {
        while (!over()) await limit.run(call).catch(() => {})
      }
      return Promise.all(Array.from({ length: 100 }, lane))
    }),
    'always 24': fixed([24, 24]),
    'always 8': fixed([8, 8]),
    'always 16': fixed([16, 16]),
  },
  targets: (results) =>
    ['heddle map', 'heddle limiter'].flatMap((name) => [
      ...[24, 8].map((knee) => ({
        what: `${name} / best fixed number at ${knee}`,
        got:
          (results.median(name, undefined, `answers per s at ${knee}`) ?? Number.NaN) /
          (results.median('24, then 8', undefined, `answers per s at ${knee}`) ?? Number.NaN),
        atLeast: 0.9,
      })),
      { what: `${name}: refused %`, got: results.median(name, undefined, 'refused %'), atMost: 2 },
    ]),
}
