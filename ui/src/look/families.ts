/**
 * Which groups share a colour: those that a person would call by the same name. The branch `entities` that waits for the call `call "entities"`
 * on a worker is one thing to look at, and there are only so many colours.
 */

/** `entities` of `call "entities"`; a label without quotes is its own name. */
export const shortName = (label: string): string => /^\w+ "(.+)"$/s.exec(label)?.[1] ?? label

export interface Family {
  readonly name: string
  /** Numbers of its groups, most time first. */
  readonly groups: readonly number[]
}

/** Most time first. */
export function familiesOf(
  groups: readonly { readonly number: number; readonly label: string; readonly totalMs: number }[],
): readonly Family[] {
  const found = new Map<string, { name: string; totalMs: number; groups: number[] }>()
  for (const { number, label, totalMs } of groups.toSorted((a, b) => b.totalMs - a.totalMs)) {
    const name = shortName(label)
    const family = found.get(name)
    if (family) {
      family.groups.push(number)
      family.totalMs += totalMs
    } else found.set(name, { name, totalMs, groups: [number] })
  }
  return [...found.values()].sort((a, b) => b.totalMs - a.totalMs)
}

/** By group number, the place of its family among the colours; those beyond `shown` all get `shown`. */
export function colourPlaces(families: readonly Family[], shown: number): Uint8Array {
  const count = 1 + families.reduce((most, { groups }) => Math.max(most, ...groups), -1)
  const places = new Uint8Array(count).fill(shown)
  for (const [place, { groups }] of families.slice(0, shown).entries()) for (const group of groups) places[group] = place
  return places
}
