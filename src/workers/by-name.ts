/** The functions of a module that is not loaded here: a function for each name that is read; the same one each time. */
export function byName(make: (name: string) => unknown): unknown {
  const made = new Map<string, unknown>()
  return new Proxy(Object.create(null) as object, {
    get(_, name) {
      // Asked by `await` and by printing; no module's function can be meant.
      if (typeof name !== 'string' || name === 'then') return undefined
      if (!made.has(name)) made.set(name, make(name))
      return made.get(name)
    },
  })
}
