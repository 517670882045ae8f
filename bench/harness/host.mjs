/** A process in which contenders are measured: opens them, takes a sample of one whenever asked, closes them. */

/** @typedef {import('./measure.mjs').Bench} Bench @typedef {import('./measure.mjs').Subject} Subject */

/** Shorter runs are repeated until this many milliseconds have passed; when warming up, until the compilers are through. Both chosen. */
const [sampleMs, warmUpMs] = [50, 300]

const [name, sizeName, variant] = process.argv.slice(2)
/** @type {Bench} */
const whole = (await import(`../${name}.bench.mjs`)).default
const bench = (variant && whole.variants?.[variant]) || whole
const size = bench.cases?.[sizeName]
/** @type {Map<string, Subject>} */
const subjects = new Map()

process.on('message', async (/** @type {{ open?: string, sample?: string, warmUp?: boolean }} */ request) => {
  try {
    if (request.open !== undefined) process.send?.(await open(request.open))
    else if (request.sample !== undefined)
      process.send?.({ sample: await sample(request.sample, request.warmUp ? warmUpMs : sampleMs) })
    else {
      for (const subject of subjects.values()) await subject.close?.()
      process.disconnect()
    }
  } catch (error) {
    process.send?.({ error: error instanceof Error ? error.stack : String(error) })
  }
})

/** @param {string} contender */
async function open(contender) {
  const subject = await bench.contenders[contender](size)
  if (!subject) return { absent: '' }
  if ('absent' in subject) return subject
  if (!subject.run && !subject.measure) throw new Error('a contender needs `run` or `measure`')
  subjects.set(contender, subject)
  return { rounds: subject.rounds }
}

/** @param {string} contender @param {number} leastMs */
async function sample(contender, leastMs) {
  const subject = subjects.get(contender)
  if (!subject) throw new Error('sampled before it was opened')
  if (subject.measure) {
    const measured = await subject.measure()
    return typeof measured === 'number' ? { figure: measured } : measured
  }
  const { value, ms } = await timed(subject.run ?? (() => {}), leastMs)
  bench.check?.(value, size)
  return { figure: bench.figure ? bench.figure(ms, size) : ms }
}

/**
 * How many milliseconds one run takes, over as many as fit. The clock is looked at after 1, 2, 4 … of them, so that it costs nothing.
 * @param {() => unknown} run @param {number} leastMs
 */
async function timed(run, leastMs) {
  let value
  let runs = 0
  const startedAt = performance.now()
  for (let batch = 1; ; batch *= 2) {
    for (let i = 0; i < batch; i++) value = await run()
    runs += batch
    const elapsed = performance.now() - startedAt
    if (elapsed >= leastMs) return { value, ms: elapsed / runs }
  }
}
