/** The process in which one contender is measured: opens it, takes a sample whenever asked, closes it. */

/** @typedef {import('./measure.mjs').Bench} Bench @typedef {import('./measure.mjs').Subject} Subject */

/** A run shorter than this is repeated until it is as long, in milliseconds; chosen so that the clock's grain is below 0.1 %. */
const shortestSampleMs = 20

const [name, sizeName, contender] = process.argv.slice(2)
/** @type {Bench} */
const bench = (await import(`../${name}.bench.mjs`)).default
const size = bench.cases?.[sizeName]
/** @type {Subject | undefined} */
let subject
let repeat = 1

process.on('message', async (/** @type {{ open?: true, sample?: true, close?: true }} */ request) => {
  try {
    if (request.open) process.send?.(await open())
    else if (request.sample) process.send?.({ sample: await sample() })
    else {
      await subject?.close?.()
      process.disconnect()
    }
  } catch (error) {
    process.send?.({ error: error instanceof Error ? error.stack : String(error) })
  }
})

async function open() {
  const opened = await bench.contenders[contender](size)
  if (!opened) return { absent: '' }
  if ('absent' in opened) return opened
  if (!opened.run && !opened.measure) throw new Error('a contender needs `run` or `measure`')
  subject = opened
  return {}
}

async function sample() {
  globalThis.gc?.()
  if (subject?.measure) {
    const measured = await subject.measure()
    return typeof measured === 'number' ? { figure: measured } : measured
  }
  let value
  const startedAt = performance.now()
  for (let i = 0; i < repeat; i++) value = await subject?.run?.()
  const ms = (performance.now() - startedAt) / repeat
  repeat = Math.max(1, Math.ceil(shortestSampleMs / ms))
  bench.check?.(value, size)
  return { figure: bench.figure ? bench.figure(ms, size) : ms }
}
