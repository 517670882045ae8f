/**
 * Under which names a task gets the results that it needs: none, a list, or a record with certain keys. Tasks whose needs have the
 * same keys share one shape, so that a million tasks keep a few shapes and no records of their own.
 */
export interface Shape {
  readonly id: number
  readonly kind: 'none' | 'list' | 'record'
  /** Of a record, in the order in which the needs are kept; empty otherwise. */
  readonly keys: readonly string[]
  /** Puts the results together. `at(i)` is the result of the i-th of `count` needs. */
  assemble(count: number, at: (i: number) => unknown): unknown
}

const none: Shape = { id: 0, kind: 'none', keys: [], assemble: () => undefined }
const list: Shape = {
  id: 1,
  kind: 'list',
  keys: [],
  assemble(count, at) {
    const values: unknown[] = []
    for (let i = 0; i < count; i++) values.push(at(i))
    return values
  },
}

interface Node {
  children: Map<string, Node> | undefined
  shape: Shape | undefined
}

/** All shapes of one graph; a record's is found key by key, in a tree. */
export class Shapes {
  readonly #shapes: Shape[] = [none, list]
  readonly #root: Node = { children: undefined, shape: undefined }

  readonly none = none
  readonly list = list

  at(id: number): Shape {
    return this.#shapes[id] as Shape
  }

  record(keys: readonly string[]): Shape {
    let node = this.#root
    for (const key of keys) {
      const children = (node.children ??= new Map())
      let child: Node | undefined = children.get(key)
      if (!child) children.set(key, (child = { children: undefined, shape: undefined }))
      node = child
    }
    return (node.shape ??= this.#add(keys))
  }

  #add(keys: readonly string[]): Shape {
    // A copy of a record that has all its keys takes any of them as its own property, `__proto__` too.
    const blank = Object.fromEntries(keys.map((key) => [key, undefined as unknown]))
    const assemble = (count: number, at: (i: number) => unknown): unknown => {
      const record = { ...blank }
      for (let i = 0; i < count; i++) record[keys[i] as string] = at(i)
      return record
    }
    const shape: Shape = { id: this.#shapes.length, kind: 'record', keys, assemble }
    this.#shapes.push(shape)
    return shape
  }
}
