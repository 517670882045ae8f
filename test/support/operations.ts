/**
 * How work grows with n, counted and not timed: a busy machine changes times, never counts.
 *
 * What is counted is what makes a queue slow when it is long: elements that array methods move or look through, and entries that iterating over a
 * `Map` or `Set` passes. They are counted where everything goes through them, in the prototypes, by the length that each call works on.
 * Native code that walks a list in another way is not seen; the bench `scaling` times what this counts.
 */
type Method = (this: never, ...args: never[]) => unknown

/** Methods that move or look at all elements in the worst case. `push` and `pop` do not. */
const walking = [
  'shift',
  'unshift',
  'splice',
  'slice',
  'indexOf',
  'includes',
  'find',
  'findIndex',
  'filter',
  'map',
  'some',
  'every',
  'concat',
  'sort',
  'forEach',
] as const
const iterating = ['values', 'keys', 'entries', 'forEach'] as const

/** Runs `work` and gives how many elements array methods and iterations of maps and sets have gone through. */
export async function operations(work: () => unknown): Promise<number> {
  let count = 0
  const undo: (() => void)[] = []
  const replace = (target: object, name: PropertyKey, make: (original: Method) => Method): void => {
    const descriptor = Object.getOwnPropertyDescriptor(target, name) as PropertyDescriptor
    Object.defineProperty(target, name, { ...descriptor, value: make(descriptor.value as Method) })
    undo.push(() => Object.defineProperty(target, name, descriptor))
  }
  for (const name of walking) {
    replace(
      Array.prototype,
      name,
      (original) =>
        function (this: unknown[], ...args: never[]) {
          const at = args[0] as unknown
          // A piece costs its own length, and what is cut out of the end moves nothing.
          if (name === 'slice')
            count += Math.max(0, Math.min(this.length, Number((args[1] as unknown) ?? this.length)) - Number(at ?? 0))
          else count += this.length
          return original.apply(this as never, args)
        } as Method,
    )
  }
  for (const [target, names] of [
    [Map.prototype, iterating],
    [Set.prototype, iterating],
  ] as const) {
    for (const name of new Set([...names, Symbol.iterator])) {
      replace(
        target,
        name,
        (original) =>
          function (this: Map<unknown, unknown>, ...args: never[]) {
            count += this.size
            return original.apply(this as never, args)
          } as Method,
      )
    }
  }
  try {
    await work()
    return count
  } finally {
    for (const step of undo.reverse()) step()
  }
}

/** The exponent of growth between n and 8 n: 1 for what is linear, 2 for what is quadratic. What does not grow counts 0. */
export async function exponentOf(work: (n: number) => unknown, n = 500): Promise<number> {
  await work(8)
  const [small, large] = [await operations(() => work(n)), await operations(() => work(8 * n))]
  // What is done once costs something, too: below one operation per element nothing has grown.
  return large <= 8 * n ? 0 : Math.log(large / Math.max(small, 1)) / Math.log(8)
}
