/**
 * How good schedules are. Sets of PSPLIB at 1,000 schedules for each instance, each pass counted: J30 against the optimum, J60 and larger ones
 * against the length of the critical path, as the literature gives them. A plan of 2,000 tasks on 40 resources against OR-Tools CP-SAT.
 *
 * The sets come from the repository weisintai/cs202-rcpsp: its folder `datasets/psplib` goes to bench/.peers/psplib.
 */
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { plan, readPlan } from 'heddle/plan'
import { openPython } from './harness/processes.mjs'

const sets = fileURLToPath(new URL('.peers/psplib/', import.meta.url))
const schedules = 1_000

/** @param {string} set */
async function psplib(set) {
  const best = `${sets}${set}/raw/${set}${set === 'j30' ? 'opt' : 'hrs'}.sm`
  if (!existsSync(best)) return { absent: `put datasets/psplib of weisintai/cs202-rcpsp into ${sets}` }
  const instances = []
  for (const line of readFileSync(best, 'utf8').split('\n')) {
    const [, parameter, instance, makespan] = /^\s*(\d+)\s+(\d+)\s+(\d+)\s/.exec(line) ?? []
    if (parameter === undefined) continue
    const file = `${set}${parameter}_${instance}.sm`
    const project = await readPlan(readFileSync(`${sets}${set}/instances/${file}`, 'utf8'), { file })
    instances.push({ project, best: Number(makespan) })
  }
  return {
    measure() {
      let [over, overPath, most] = [0, 0, 0]
      const started = performance.now()
      for (const { project, best } of instances) {
        const { report } = plan(project, { schedules, withinMs: Infinity })
        over += report.scheduled / best - 1
        overPath += report.scheduled / report.ideal - 1
        most = Math.max(most, report.schedules)
      }
      const share = 100 / instances.length
      return {
        figure: set === 'j30' ? over * share : overPath * share,
        '% over the best known': over * share,
        'schedules at most': most,
        's altogether': (performance.now() - started) / 1e3,
      }
    },
  }
}

/** Layers of tasks that need some of those shortly before them, and one or two of the resources. From a fixed seed (mulberry32). */
function large() {
  let seed = 42
  const below = (/** @type {number} */ bound) => {
    seed = (seed + 0x6d2b79f5) | 0
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * bound)
  }
  const resources = Array.from({ length: 40 }, (_, r) => ({ id: `r${r}`, capacity: 1 + below(4) }))
  const tasks = Array.from({ length: 2_000 }, (_, t) => ({
    id: `t${t}`,
    duration: 1 + below(20),
    needs: [...new Set(Array.from({ length: Math.min(t, below(4)) }, () => `t${Math.max(0, t - 1 - below(Math.min(t, 135)))}`))],
    resources: Object.fromEntries(
      Array.from({ length: 1 + below(2) }, () => resources[below(40)]).map(({ id, capacity }) => [id, 1 + below(capacity)]),
    ),
  }))
  return { unit: 'period', resources, tasks }
}

/** @type {import('./harness/measure.mjs').Bench} */
export default {
  about: 'schedules under limited resources; 1,000 schedules for each instance of PSPLIB',
  unit: '% over the optimum (J30) or the critical path; of 2,000 tasks the end',
  reference: 'heddle',
  rounds: 1,
  warmups: 0,
  cases: { J30: 'j30', J60: 'j60', J90: 'j90', J120: 'j120', '2,000 tasks': 'large' },
  contenders: {
    heddle: async (set) => {
      if (set !== 'large') return psplib(set)
      const project = await readPlan(JSON.stringify(large()), { file: 'large.json' })
      return {
        measure() {
          const started = performance.now()
          const { report } = plan(project)
          return { figure: report.scheduled, 'lower bound': report.lowerBound, s: (performance.now() - started) / 1e3 }
        },
      }
    },
    'CP-SAT, 60 s': async (set) => {
      if (set !== 'large') return undefined
      const python = await openPython(new URL('plan.peer.py', import.meta.url))
      if ('absent' in python) return python
      return { measure: () => python.ask({ plan: large(), seconds: 60 }), close: python.close }
    },
  },
  targets: (results) => [
    { what: 'J30, % over the optimum', got: results.median('heddle', 'J30'), atMost: 0.4 },
    { what: 'J60, % over the critical path', got: results.median('heddle', 'J60'), atMost: 11.8 },
    { what: 'schedules for an instance', got: results.median('heddle', 'J60', 'schedules at most'), atMost: schedules },
    { what: '2,000 tasks, s', got: results.median('heddle', '2,000 tasks', 's'), atMost: 5 },
    { what: '2,000 tasks, heddle / CP-SAT', got: results.ratio('heddle', 'CP-SAT, 60 s', '2,000 tasks'), atMost: 1.05 },
  ],
}
