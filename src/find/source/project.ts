/** The files under analysis, and which file and export an import means. */
import { existsSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { isClass, nameOf, type Node } from './ast.ts'
import { parseFile, type SourceFile, type Unreadable } from './source-file.ts'

/** What an export of a file is: a node of that file, or what another module exports. */
export type Exported = { readonly file: SourceFile; readonly node: Node } | { readonly module: string; readonly name: string }

/** `@app/*` of a tsconfig: what stands before and after the star. */
interface PathAlias {
  readonly prefix: string
  readonly suffix: string
  readonly targets: readonly string[]
}

const endings = [
  '',
  '.ts',
  '.tsx',
  '.mts',
  '.js',
  '.jsx',
  '.mjs',
  '.cts',
  '.cjs',
  '/index.ts',
  '/index.tsx',
  '/index.js',
  '/index.mjs',
]

const dependencyKinds = ['dependencies', 'devDependencies', 'peerDependencies', 'optionalDependencies']

export class Project {
  readonly root: string
  readonly #files = new Map<string, SourceFile | Unreadable>()
  readonly #exports = new Map<SourceFile, Map<string, Exported>>()
  readonly #stars = new Map<SourceFile, string[]>()
  readonly #resolved = new Map<string, string | undefined>()
  readonly #packages = new Map<string, string>()
  readonly #ledTo = new Map<string, Set<string>>()
  readonly #manifests = new Map<string, Readonly<Record<string, unknown>> | null>()
  #aliases: readonly PathAlias[] | undefined

  constructor(root: string) {
    this.root = root
  }

  /** Names the packages of a workspace, so that imports of one from another are followed. */
  addPackage(name: string, folder: string): void {
    this.#packages.set(name, folder)
  }

  /** Parses a file, once. @param text of the file, where it was read already */
  open(path: string, text?: string): SourceFile | Unreadable {
    let file = this.#files.get(path)
    if (!file) {
      try {
        file = parseFile(path, text ?? readFileSync(path, 'utf8'))
      } catch (error) {
        file = { path, reason: `it cannot be read: ${(error as NodeJS.ErrnoException).code ?? String(error)}` }
      }
      this.#files.set(path, file)
    }
    return file
  }

  /** The path of the file that an import in `from` means; undefined for packages that are not part of the project. */
  resolve(from: string, specifier: string): string | undefined {
    const key = `${dirname(from)}\0${specifier}`
    if (!this.#resolved.has(key)) this.#resolved.set(key, this.#find(from, specifier))
    const path = this.#resolved.get(key)
    if (path) this.#leads(from, path)
    return path
  }

  /** Does the package.json that is nearest to a file list `name` as a dependency of any kind? */
  dependsOn(from: string, name: string): boolean {
    for (let folder = dirname(from); ; folder = dirname(folder)) {
      const path = join(folder, 'package.json')
      let manifest = this.#manifests.get(path)
      if (manifest === undefined) this.#manifests.set(path, (manifest = existsSync(path) ? (readJson(path) ?? {}) : null))
      if (manifest) {
        this.#leads(from, path)
        return dependencyKinds.some((kind) => Object.hasOwn(Object(manifest[kind]) as object, name))
      }
      if (folder === this.root || folder === dirname(folder)) return false
    }
  }

  #leads(from: string, path: string): void {
    const led = this.#ledTo.get(from)
    if (led) led.add(path)
    else this.#ledTo.set(from, new Set([path]))
  }

  /** The files that were looked into for a file, directly or through others. */
  neededBy(path: string): string[] {
    const needed = new Set<string>()
    const open = [path]
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      for (const led of this.#ledTo.get(next) ?? []) {
        if (led === path || needed.has(led)) continue
        needed.add(led)
        open.push(led)
      }
    }
    return [...needed]
  }

  #find(from: string, specifier: string): string | undefined {
    if (specifier.startsWith('.')) return existing(resolve(dirname(from), specifier))
    for (const { prefix, suffix, targets } of this.#pathAliases()) {
      if (!specifier.startsWith(prefix) || !specifier.endsWith(suffix) || (prefix === specifier && suffix !== '')) continue
      const middle = specifier.slice(prefix.length, specifier.length - suffix.length)
      for (const target of targets) {
        const found = existing(resolve(this.root, target.replace('*', middle)))
        if (found) return found
      }
    }
    const parts = specifier.split('/')
    const name = parts.slice(0, specifier.startsWith('@') ? 2 : 1).join('/')
    const folder = this.#packages.get(name)
    if (!folder) return undefined
    const inside = specifier.slice(name.length + 1)
    return (
      existing(join(folder, inside || 'src/index')) ?? existing(join(folder, 'src', inside)) ?? existing(join(folder, 'index'))
    )
  }

  /** `paths` of the tsconfig at the root; what a file of its own would say is not looked for. */
  #pathAliases(): readonly PathAlias[] {
    if (this.#aliases) return this.#aliases
    this.#aliases = []
    for (const name of ['tsconfig.json', 'tsconfig.base.json']) {
      const options = readJson(join(this.root, name))?.['compilerOptions'] as
        | { baseUrl?: string; paths?: Record<string, string[]> }
        | undefined
      if (!options?.paths) continue
      const base = options.baseUrl ?? '.'
      this.#aliases = Object.entries(options.paths).map(([pattern, targets]) => {
        const [prefix = '', suffix = ''] = pattern.split('*')
        return { prefix, suffix, targets: targets.map((target) => join(base, target)) }
      })
      break
    }
    return this.#aliases
  }

  /** What `name` of the module that `from` imports as `specifier` is, followed through re-exports. */
  imported(from: SourceFile, specifier: string, name: string, depth = 0): Exported {
    const outside = { module: specifier, name }
    const path = this.resolve(from.path, specifier)
    if (!path || depth > 10) return outside
    const file = this.open(path)
    if ('reason' in file) return outside
    const found = this.exportsOf(file).get(name)
    if (found && 'module' in found) return this.imported(file, found.module, found.name, depth + 1)
    if (found) return found
    for (const star of this.#stars.get(file) ?? []) {
      const through = this.imported(file, star, name, depth + 1)
      if ('node' in through) return through
    }
    return outside
  }

  exportsOf(file: SourceFile): ReadonlyMap<string, Exported> {
    const known = this.#exports.get(file)
    if (known) return known
    const found = new Map<string, Exported>()
    const stars: string[] = []
    this.#exports.set(file, found)
    this.#stars.set(file, stars)
    for (const statement of file.program.body) {
      if (statement.type === 'ExportAllDeclaration') stars.push(statement.source.value)
      else if (statement.type === 'ExportDefaultDeclaration') found.set('default', { file, node: statement.declaration })
      else if (statement.type === 'ExportNamedDeclaration') addNamed(found, file, statement)
    }
    return found
  }
}

function addNamed(
  found: Map<string, Exported>,
  file: SourceFile,
  statement: Extract<Node, { type: 'ExportNamedDeclaration' }>,
): void {
  const { declaration, source } = statement
  for (const { local, exported } of statement.specifiers) {
    const [from, to] = [nameOf(local), nameOf(exported)]
    if (from === undefined || to === undefined) continue
    found.set(to, source ? { module: source.value, name: from } : { file, node: local })
  }
  if (!declaration) return
  if (declaration.type === 'VariableDeclaration') {
    for (const { id } of declaration.declarations) if (id.type === 'Identifier') found.set(id.name, { file, node: id })
  } else if ((declaration.type === 'FunctionDeclaration' || isClass(declaration)) && declaration.id) {
    found.set(declaration.id.name, { file, node: declaration })
  }
}

function existing(path: string): string | undefined {
  const candidates = /\.[cm]?jsx?$/.test(path)
    ? [path.replace(/\.([cm]?)jsx?$/, '.$1ts'), path.replace(/\.jsx?$/, '.tsx'), path]
    : [path]
  for (const candidate of candidates) {
    for (const ending of endings) {
      const file = candidate + ending
      if (/\.[cm]?[jt]sx?$/.test(file) && !file.endsWith('.d.ts') && existsSync(file) && statSync(file).isFile()) return file
    }
  }
  return undefined
}

/** JSON with comments, as tsconfig files have them; undefined where it cannot be read. */
export function readJson(path: string): Record<string, unknown> | undefined {
  try {
    const text = readFileSync(path, 'utf8')
    const plain = text.replace(/"(?:[^"\\]|\\[^])*(?:"|$)|\/\/[^\n]*|\/\*[^]*?(?:\*\/|$)/g, (part) =>
      part.startsWith('"') ? part : '',
    )
    return JSON.parse(plain.replace(/,(\s*[}\]])/g, '$1')) as Record<string, unknown>
  } catch {
    return undefined
  }
}
