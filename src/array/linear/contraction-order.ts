/**
 * In which order to multiply several operands: the one with the fewest multiplications, found by trying all subsets (dynamic programming over
 * subsets, as in `opt_einsum`'s "dp"); for many operands the cheapest next pair. Pure: it sees sets of indices and their lengths.
 */

/** Above this there are too many subsets (3^n pairs of them). */
const mostTried = 10

/** The positions of the pair to multiply next; the result takes the last place, both are taken out. */
export type Pair = readonly [number, number]

export function contractionOrder(
  operands: readonly ReadonlySet<string>[],
  output: ReadonlySet<string>,
  lengths: ReadonlyMap<string, number>,
): Pair[] {
  if (operands.length < 3) return operands.length === 2 ? [[0, 1]] : []
  return operands.length <= mostTried ? best(operands, output, lengths) : greedy(operands, output, lengths)
}

/** Multiplications of a pair: all combinations of the indices of both. */
function cost(a: ReadonlySet<string>, b: ReadonlySet<string>, lengths: ReadonlyMap<string, number>): number {
  let product = 1
  for (const index of new Set([...a, ...b])) product *= lengths.get(index) as number
  return product
}

/** The indices that a product of some operands still needs: those of the output and of the others. */
function kept(
  inside: readonly ReadonlySet<string>[],
  outside: readonly ReadonlySet<string>[],
  output: ReadonlySet<string>,
): Set<string> {
  const indices = new Set(inside.flatMap((set) => [...set]))
  for (const index of indices) if (!output.has(index) && !outside.some((set) => set.has(index))) indices.delete(index)
  return indices
}

interface Plan {
  readonly cost: number
  readonly indices: ReadonlySet<string>
  readonly halves: readonly [number, number] | undefined
}

function best(
  operands: readonly ReadonlySet<string>[],
  output: ReadonlySet<string>,
  lengths: ReadonlyMap<string, number>,
): Pair[] {
  const all = (1 << operands.length) - 1
  const plans: Plan[] = []
  const select = (subset: number): ReadonlySet<string>[] => operands.filter((_, i) => subset & (1 << i))
  for (let subset = 1; subset <= all; subset++) {
    if ((subset & (subset - 1)) === 0) {
      const indices = select(subset)[0] as ReadonlySet<string>
      plans[subset] = { cost: 0, indices, halves: undefined }
      continue
    }
    let found: Plan | undefined
    const indices = kept(select(subset), select(all & ~subset), output)
    // Each split once: the half with the highest operand comes second.
    for (let half = (subset - 1) & subset; half > 0; half = (half - 1) & subset) {
      const other = subset & ~half
      if (half > other) continue
      const [a, b] = [plans[half] as Plan, plans[other] as Plan]
      const total = a.cost + b.cost + cost(a.indices, b.indices, lengths)
      if (!found || total < found.cost) found = { cost: total, indices, halves: [half, other] }
    }
    plans[subset] = found as Plan
  }
  return inSequence(plans, all, operands.length)
}

/** The splits of a plan as pairs of positions in a list that shrinks. */
function inSequence(plans: readonly Plan[], all: number, count: number): Pair[] {
  const places = Array.from({ length: count }, (_, i) => 1 << i)
  const pairs: Pair[] = []
  const visit = (subset: number): void => {
    const { halves } = plans[subset] as Plan
    if (!halves) return
    halves.forEach(visit)
    const [a, b] = halves.map((half) => places.indexOf(half)).sort((x, y) => x - y) as [number, number]
    pairs.push([a, b])
    places.splice(b, 1)
    places.splice(a, 1)
    places.push(subset)
  }
  visit(all)
  return pairs
}

function greedy(
  operands: readonly ReadonlySet<string>[],
  output: ReadonlySet<string>,
  lengths: ReadonlyMap<string, number>,
): Pair[] {
  const left = [...operands]
  const pairs: Pair[] = []
  while (left.length > 1) {
    let found: { readonly pair: Pair; readonly cost: number; readonly indices: Set<string> } | undefined
    for (let i = 0; i < left.length; i++) {
      for (let j = i + 1; j < left.length; j++) {
        const [a, b] = [left[i] as ReadonlySet<string>, left[j] as ReadonlySet<string>]
        // Pairs that share nothing only grow.
        const shares = [...a].some((index) => b.has(index))
        const total = cost(a, b, lengths) * (shares ? 1 : 1e6)
        if (found && found.cost <= total) continue
        const others = left.filter((_, k) => k !== i && k !== j)
        found = { pair: [i, j], cost: total, indices: kept([a, b], others, output) }
      }
    }
    const { pair, indices } = found as NonNullable<typeof found>
    pairs.push(pair)
    left.splice(pair[1], 1)
    left.splice(pair[0], 1)
    left.push(indices)
  }
  return pairs
}
