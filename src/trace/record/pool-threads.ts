/** As libuv reads it when the pool is first used, once. */
let threadsOfPool: number | undefined

export function poolThreads(): number {
  return (threadsOfPool ??= poolThreadsSaid())
}

function poolThreadsSaid(): number {
  const said = Number.parseInt(process.env.UV_THREADPOOL_SIZE ?? '', 10)
  return said >= 1 ? Math.min(said, 1_024) : 4
}
