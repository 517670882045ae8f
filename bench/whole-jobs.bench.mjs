/**
 * Whole programs, as people write them: where arguments and results are large, where one step feeds the next, where calls make calls. A plain
 * loop is the reference; the same work split by hand over two bare workers shows what the machine gives. `--only NAME` runs one program;
 * `--full` takes the sizes of the project's figures, small ones are the default.
 */
import { peerNames, openPeer } from './whole-jobs/peers.mjs'
import { open } from './whole-jobs/measured.mjs'
import { ways } from './whole-jobs/program.mjs'
import { allPrograms } from './whole-jobs/programs.mjs'

/** @param {'small' | 'full'} size */
const casesOf = (size) =>
  Object.fromEntries(Object.entries(allPrograms).map(([name, { file, program }]) => [name, { file, program, size }]))

/** @param {import('./harness/measure.mjs').Results} results @param {string} name */
function targetsOf(results, name) {
  const { wanted = {}, peers = {} } = allPrograms[name].of
  const ms = (/** @type {string} */ who) => results.median(who, name) ?? Number.NaN
  const loopMs = ms('loop')
  const faster = (/** @type {string} */ who) => results.ratio(who, 'consenting', name)
  const targets = [
    { what: `${name}: consenting, ms`, got: results.median('consenting', name), atMost: 1.05 * loopMs + 1 },
    { what: `${name}: contained / by hand`, got: results.ratio('contained', 'by hand', name), atMost: 1.1 },
  ]
  if (ms('by hand') < 0.9 * loopMs) targets.push({ what: `${name}: by hand / consenting`, got: faster('by hand'), atLeast: 0.9 })
  if (wanted.overLoop) {
    targets.push({ what: `${name}: loop / contained`, got: results.ratio('loop', 'contained', name), atLeast: wanted.overLoop })
  }
  if (wanted.overAsOne) {
    targets.push({
      what: `${name}: contained / as one function`,
      got: results.ratio('contained', 'as one', name),
      atMost: wanted.overAsOne,
    })
  }
  for (const [peer, least] of Object.entries(wanted.overPeers ?? {})) {
    if (peer in peers)
      targets.push({ what: `${name}: ${peer} / contained`, got: results.ratio(peer, 'contained', name), atLeast: least })
  }
  for (const who of ['contained', 'consenting']) {
    targets.push({ what: `${name}: ${who}, event loop held, ms`, got: results.median(who, name, 'loop held ms'), atMost: 10 })
  }
  return targets
}

/** @type {import('./harness/measure.mjs').Bench} */
const bench = {
  about: 'whole programs: a plain loop, heddle, two bare workers by hand, other languages',
  unit: 'ms',
  reference: 'loop',
  rounds: 3,
  warmups: 0,
  cases: casesOf('small'),
  contenders: {
    ...Object.fromEntries(
      Object.keys(ways).map((way) => [way, (/** @type {any} */ job) => open(job, /** @type {keyof typeof ways} */ (way))]),
    ),
    ...Object.fromEntries(peerNames.map((name) => [name, (/** @type {any} */ job) => openPeer(name, job)])),
  },
  targets: (results) => results.sizes.flatMap((name) => targetsOf(results, name)),
}

export default { ...bench, variants: { full: { ...bench, cases: casesOf('full') } } }
