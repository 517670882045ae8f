/** The stack of the caller, with as many frames as are wanted. Where the engine's objects are frozen (`--frozen-intrinsics`), with as many as there are. */
export function stackHere(frames: number, prepared = true): string {
  const { stackTraceLimit, prepareStackTrace } = Error
  // Not assigned: that would throw where they are frozen.
  Reflect.set(Error, 'stackTraceLimit', frames)
  if (!prepared) Reflect.set(Error, 'prepareStackTrace', undefined)
  try {
    const { stack } = new Error('the caller')
    return typeof stack === 'string' ? stack : ''
  } finally {
    Reflect.set(Error, 'stackTraceLimit', stackTraceLimit)
    if (!prepared) Reflect.set(Error, 'prepareStackTrace', prepareStackTrace)
  }
}
