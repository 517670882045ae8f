/** What a program pays before its first line of work: each round in fresh processes. */
import { fresh } from './harness/processes.mjs'

const script = new URL('startup.child.mjs', import.meta.url)
const cli = new URL('../dist/cli.js', import.meta.url)

/** What the script measured by itself. @param {string} what */
const measured = (what) => () => ({ measure: async () => (await fresh(script, { args: [what] })).value.ms })

/** From the start of the process to its end. @param {URL} program @param {readonly string[]} args */
const whole = (program, args) => () => ({ measure: async () => (await fresh(program, { args, raw: true })).wallMs })

/** @type {import('./harness/measure.mjs').Bench} */
export default {
  about: 'from nothing to the first result',
  unit: 'ms',
  reference: 'bare node',
  rounds: 15,
  warmups: 3,
  contenders: {
    'bare node': whole(script, ['nothing']),
    "import 'heddle'": measured('import'),
    'heddle --version': whole(cli, ['--version']),
    'first worker result': measured('worker'),
    'first worker result, by hand': measured('hand'),
  },
  targets: (results) => [
    { what: "import 'heddle', ms", got: results.median("import 'heddle'"), atMost: 25 },
    { what: 'heddle --version, ms', got: results.median('heddle --version'), atMost: 100 },
  ],
}
