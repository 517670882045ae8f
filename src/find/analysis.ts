/** The rules, run on one file after the other of a project whose files know one another. */
import { createHash } from 'node:crypto'
import { relative } from 'node:path'
import type { CodeFinding } from '../findings/finding.ts'
import type { Declarations } from './effects/declared.ts'
import { Evaluator } from './effects/evaluate.ts'
import { isOrderedOnPurpose } from './files.ts'
import { awaitInLoop } from './rules/await-in-loop.ts'
import { blockingRequest } from './rules/blocking.ts'
import { lateStart } from './rules/late-start.ts'
import { leftRunning } from './rules/left-running.ts'
import { limiterInItself } from './rules/limiter-in-itself.ts'
import { lostUpdate } from './rules/lost-update.ts'
import { type Rule, type Sight, toFinding } from './rules/rule.ts'
import { sequentialAwaits } from './rules/sequential-awaits.ts'
import { serialIteration } from './rules/serial-iteration.ts'
import { unbounded } from './rules/unbounded.ts'
import { Project } from './source/project.ts'
import type { Unreadable } from './source/source-file.ts'

export const rules: readonly Rule[] = [
  sequentialAwaits,
  awaitInLoop,
  serialIteration,
  lateStart,
  unbounded,
  lostUpdate,
  limiterInItself,
  leftRunning,
  blockingRequest,
]

/** What every finding has in it. Other files are parsed only when a call leads into them: parsing is most of the work. */
const beginning =
  /\bawait\b|\bPromise\s*\.|\basync\b|Sync\s*\(|['"](?:p-limit|p-queue|async-mutex|bottleneck|async-lock|express|fastify|koa|hono|polka|restify|@koa\/router|@nestjs\/common)['"]/

export class Analysis {
  readonly #root: string
  readonly #project: Project
  readonly #evaluator: Evaluator

  /** @param packages the packages of a workspace and their folders */
  constructor(root: string, packages: ReadonlyMap<string, string> = new Map(), declared: Declarations = new Map()) {
    this.#root = root
    this.#project = new Project(root)
    for (const [name, folder] of packages) this.#project.addPackage(name, folder)
    this.#evaluator = new Evaluator(this.#project, declared)
  }

  /** Other files on which the findings of `path` depend, as far as was looked. */
  neededBy(path: string): string[] {
    return this.#project.neededBy(path)
  }

  /** @returns the findings of a file, in order of the rules; why it was left out */
  findIn(path: string, text: string): readonly CodeFinding[] | Unreadable {
    if (!beginning.test(text)) return []
    const file = this.#project.open(path, text)
    if ('reason' in file) return file
    const place = relative(this.#root, path)
    const sight: Sight = {
      file,
      evaluator: this.#evaluator,
      ordered: isOrderedOnPurpose(place),
      dependsOnHeddle: () => this.#project.dependsOn(path, 'heddle'),
      exports: () => [...this.#project.exportsOf(file)].flatMap(([name, of]) => ('node' in of ? [[name, of] as const] : [])),
    }
    const findings = rules.flatMap((rule) =>
      [...rule.find(sight)].map((found) => {
        const finding = toFinding(sight, rule.name, found)
        return { ...finding, file: place, where: `${place}:${finding.line}` }
      }),
    )
    return withOwnIds(findings)
  }
}

/** The same code twice in a file is two findings: the second one gets an identity of its own, which stays while the first one is there. */
function withOwnIds(findings: readonly CodeFinding[]): readonly CodeFinding[] {
  const seen = new Map<string, number>()
  return findings.map((finding) => {
    const before = seen.get(finding.id) ?? 0
    seen.set(finding.id, before + 1)
    return before === 0 ? finding : { ...finding, id: again(finding.id, before) }
  })
}

function again(id: string, time: number): string {
  return createHash('sha256').update(`${id}\0${time}`).digest('hex').slice(0, id.length)
}
