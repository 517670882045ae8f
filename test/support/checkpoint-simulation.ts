/**
 * One seeded story of a program with a checkpoint: it lives several times, on a disk that crashes, fails and loses what was not synced,
 * until it has all results. Everything in it is decided by the seed.
 */
import { Disk, livingProcess } from '../../src/checkpoint/disk.fixture.ts'
import { Reader } from '../../src/checkpoint/reader.ts'
import { graph } from '../../src/run/graph.ts'
import { map } from '../../src/run/map.ts'
import { type Random, randomFrom } from './random.ts'

const path = '/run.jsonl'
const errors = ['ENOSPC', 'EIO', 'EMFILE']
/** The last of them on a disk that is well. */
const lives = 12

interface World {
  readonly random: Random
  readonly disk: Disk
  readonly count: number
  readonly concurrency: number
  readonly durability: 'fsync' | 'flush'
  readonly trace: string[]
}

/** @returns what happened, in order @throws when a promise of the journal was broken */
export async function simulate(seed: number): Promise<readonly string[]> {
  const random = randomFrom(seed)
  const world: World = {
    random,
    disk: new Disk(),
    count: 1 + random.below(24),
    concurrency: 1 + random.below(6),
    durability: random.pick(['fsync', 'flush']),
    trace: [],
  }
  const kind = random.pick([mapOnce, graphOnce])
  for (let life = 1; life <= lives; life++) {
    const known = recorded(world.disk, seed)
    const calm = life === lives
    if (!calm) plague(world)
    const runs = new Map<string, number>()
    const results = await kind(world, life, runs)
    world.trace.push(`life ${life}: ran ${[...runs.keys()].join(' ')}; ${results ? 'done' : 'died'}`)
    const again = [...runs.keys()].filter((key) => known.has(key))
    if (again.length > 0) throw new Error(`seed ${seed}, life ${life}: ran again though recorded: ${again.join(', ')}`)
    if (results) {
      const wrong = results.filter((value, i) => JSON.stringify(value) !== JSON.stringify(valueOf(i)))
      if (results.length !== world.count || wrong.length > 0)
        throw new Error(`seed ${seed}, life ${life}: wrong results ${JSON.stringify(results)}`)
      return [
        ...world.trace,
        ...world.disk.calls.map(
          ({ kind: what, path: where, bytes }) => `${what} ${where.replace(/\.lock-.*/, '.lock-')} ${bytes}`,
        ),
      ]
    }
    if (calm) throw new Error(`seed ${seed}: did not end on a disk that is well`)
    // What a life leaves behind when its process ends without a crash is in the cache, too.
    world.disk.restart(random, world.durability === 'fsync' && random.next() < 0.5)
  }
  throw new Error('not reached')
}

const valueOf = (i: number): unknown => (i % 7 === 0 ? null : { i, text: 'x'.repeat((i * 13) % 50) })

function plague({ random, disk }: World): void {
  const [crash, error, short] = [random.below(60) / 1_000, random.pick([0, 0, 0.02]), random.pick([0, 0.3])]
  disk.fault = ({ bytes }) => {
    const drawn = random.next()
    if (drawn < crash) return { crash: random.pick(['before', 'after', random.below(bytes + 1)]) }
    if (drawn < crash + error) return { error: random.pick(errors) }
    if (bytes > 1 && random.next() < short) return { short: 1 + random.below(bytes) }
    return undefined
  }
}

async function mapOnce(world: World, life: number, runs: Map<string, number>): Promise<readonly unknown[] | undefined> {
  const { random, disk, count, concurrency, durability } = world
  const checkpoint = { path, durability, fs: disk, processes: livingProcess(life) }
  const array = Array.from({ length: count }, (_, i) => i)
  const work = async (i: number): Promise<unknown> => {
    runs.set(String(i), (runs.get(String(i)) ?? 0) + 1)
    for (let turns = random.below(6); turns > 0; turns--) await undefined
    if (random.next() < 0.03 && life < lives) throw new Error(`item ${i} failed`)
    return valueOf(i)
  }
  const input = random.pick([array, new Set(array)])
  try {
    if (random.next() < 0.5) return await map(input, work, { checkpoint, concurrency, key: String })
    const { ok, failed } = await map(input, work, { checkpoint, concurrency, key: String, onFailure: 'settle' })
    return failed.length === 0 ? ok : undefined
  } catch {
    return undefined
  }
}

/** Task i needs i - 2 and i - 3, where there are such. */
async function graphOnce(world: World, life: number, runs: Map<string, number>): Promise<readonly unknown[] | undefined> {
  const { random, disk, count, concurrency, durability } = world
  const checkpoint = { path, durability, fs: disk, processes: livingProcess(life) }
  const g = graph('g')
  const tasks: ReturnType<typeof g.task>[] = []
  for (let i = 0; i < count; i++) {
    const needs = [tasks[i - 2], tasks[i - 3]].filter((task) => task !== undefined)
    const work = async (): Promise<unknown> => {
      runs.set(String(i), (runs.get(String(i)) ?? 0) + 1)
      for (let turns = random.below(6); turns > 0; turns--) await undefined
      if (random.next() < 0.03 && life < lives) throw new Error(`task ${i} failed`)
      return valueOf(i)
    }
    tasks.push(g.task(String(i), needs, work))
  }
  try {
    return (await g.run(tasks, { checkpoint, concurrency })) as unknown[]
  } catch {
    return undefined
  }
}

function recorded(disk: Disk, seed: number): ReadonlySet<string> {
  const bytes = disk.contents(path)
  if (!bytes || bytes.length === 0) return new Set()
  const reader = new Reader()
  reader.push(bytes)
  const contents = reader.finish()
  if ('refused' in contents) throw new Error(`seed ${seed}: ${contents.refused}`)
  return new Set([...contents.records.keys()].map((key) => JSON.parse(key) as string))
}
