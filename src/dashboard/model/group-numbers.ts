import type { Grouping } from '../../trace/explain/groups.ts'

/** Numbers for groups that stay while a trace grows: the first time that a group is seen gives it the next one. */
export class GroupNumbers {
  readonly labels: string[] = []
  readonly kinds: string[] = []
  readonly #known = new Map<string, number>()

  number(key: string, label: string, kind: string): number {
    const known = this.#known.get(key)
    if (known !== undefined) return known
    this.#known.set(key, this.labels.length)
    this.kinds.push(kind)
    return this.labels.push(label) - 1
  }

  /** Number by group of a grouping. */
  numbersOf({ keys, labels, kinds }: Grouping): Int32Array {
    return Int32Array.from(keys, (key, i) => this.number(key, labels[i] as string, kinds[i] as string))
  }
}
