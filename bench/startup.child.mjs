/** One step of startup.bench.mjs in a process of its own; prints how many milliseconds it took. */
const what = process.argv[2]
const startedAt = performance.now()
/** @type {(() => unknown) | undefined} */
let close
if (what === 'import') await import('heddle')
if (what === 'worker') {
  const { double } = await import('./startup.worker.mjs')
  if ((await double(21)) !== 42) throw new Error('wrong result')
}
if (what === 'hand') {
  const { openByHand } = await import('./workers/hand.mjs')
  const hand = await openByHand()
  if ((await hand.map('double', [21]))[0] !== 42) throw new Error('wrong result')
  close = hand.close
}
console.log(JSON.stringify({ ms: performance.now() - startedAt }))
await close?.()
