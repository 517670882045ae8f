/** The items that no other one beats in both figures (less is better), the lowest `first` first. O(n log n). */
export function paretoFront<T>(items: readonly T[], first: (item: T) => number, second: (item: T) => number): T[] {
  const front: T[] = []
  let least = Infinity
  for (const item of items.toSorted((a, b) => first(a) - first(b) || second(a) - second(b))) {
    if (second(item) >= least) continue
    least = second(item)
    front.push(item)
  }
  return front
}
