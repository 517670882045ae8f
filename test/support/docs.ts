/**
 * Type-checks the TypeScript of Markdown pages, so that what people copy compiles.
 *
 * Each fenced block is a module of its own. Names that it uses without importing them are imported as an earlier block of the page imports them,
 * else from heddle's entry. A first line `// name.ts` makes it a module that the other blocks of the page can import. `…` stands for what is left out. What a page takes for given
 * is declared in HTML comments, which readers do not see; one with a name is a module:
 *
 *     <!-- given
 *     declare const urls: readonly string[]
 *     -->
 *     <!-- given some-package
 *     export declare function client(): unknown
 *     -->
 */
import { readFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import ts from 'typescript'
import { entries } from '../../entries.ts'

export interface PageErrors {
  /** `docs/page.md:12: what is wrong`. */
  readonly errors: readonly string[]
  readonly blocks: number
}

interface Block {
  readonly page: string
  /** Of the line after the fence, from 1. */
  readonly line: number
  readonly text: string
  readonly file: string
}

const elided = 'throw 0'

/** @param pages paths below `root` */
export function checkPages(root: string, pages: readonly string[]): PageErrors {
  const files = new Map<string, string>()
  const packages: Record<string, string[]> = {}
  const offsets = new Map<string, { readonly block: Block; readonly added: number }>()
  const exported = exportedNames(join(root, entries.index as string))
  for (const page of pages) {
    const text = readFileSync(join(root, page), 'utf8')
    const folder = join(root, 'docs', `${basename(page, '.md')}.blocks`)
    let given = ''
    const known = new Map([...exported].map((name) => [name, `import { ${name} } from 'heddle'`]))
    for (const [, name, body = ''] of text.matchAll(/<!-- given ?(\S+)?\n([^]*?)-->/g)) {
      if (name === undefined) given += body
      else {
        const file = join(folder, name.startsWith('./') ? name : `${name}.d.ts`)
        files.set(file, body)
        if (!name.startsWith('./')) packages[name] = [file]
      }
    }
    for (const block of blocksOf(page, folder, text)) {
      const { source, added } = moduleOf(block.text, given, known)
      files.set(block.file, source)
      offsets.set(block.file, { block, added })
    }
  }
  const program = compile(root, files, packages)
  const errors = [...offsets].flatMap(([file, { block, added }]) => {
    const source = program.getSourceFile(file)
    const found = [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)]
    return found.map(({ start = 0, messageText }) => {
      const line = (source?.getLineAndCharacterOfPosition(start).line ?? 0) - added + block.line
      return `${block.page}:${Math.max(line, 1)}: ${ts.flattenDiagnosticMessageText(messageText, ' ')}`
    })
  })
  return { errors, blocks: offsets.size }
}

function blocksOf(page: string, folder: string, text: string): Block[] {
  return [...text.matchAll(/^```ts\n([^]*?)^```/gm)].map(({ 1: body = '', index }, at) => {
    const name = /^\/\/ ([\w.-]+\.ts)/.exec(body)?.[1] ?? `block-${at}.ts`
    return { page, line: text.slice(0, index).split('\n').length + 1, text: body, file: join(folder, name) }
  })
}

/**
 * Imports stay on top; the rest goes into a function, where it may have the names of what is given.
 * @param known how names can be imported; what the block imports is added
 */
function moduleOf(text: string, given: string, known: Map<string, string>): { source: string; added: number } {
  const code = text.replace(/\{ … \}/g, `{ ${elided} }`).replace(/^\s*…$/gm, '')
  const imports = [...code.matchAll(importLine)].map(([line]) => line)
  for (const line of imports) for (const [name, statement] of importedNames(line)) known.set(name, statement)
  const own = new Set(imports.flatMap((line) => importedNames(line).map(([name]) => name)))
  for (const [, name = ''] of code.matchAll(/\b(?:const|let|function|class)\s+(\w+)/g)) own.add(name)
  for (const [, list = ''] of code.matchAll(/\b(?:const|let) [{[]([^=]*)[}\]] =/g))
    for (const [name] of list.matchAll(/\w+/g)) own.add(name)
  for (const [, name = ''] of given.matchAll(/\bdeclare \w+ (\w+)/g)) own.add(name)
  const used = [...known].filter(([name]) => new RegExp(`(?<![.\\w'"])${name}\\b(?!:)`).test(code) && !own.has(name))
  const head = used.map(([, statement]) => statement).join('; ')
  if (/^export /m.test(code)) {
    const lines = `${head}\n${given}\n`
    return { source: `${lines}${code}\nexport {}\n`, added: lines.split('\n').length - 1 }
  }
  const rest = code.replace(importLine, (line) => line.replace(/[^\n]/g, ''))
  const lines = `${head}\n${imports.join('\n')}\n${given}\nexport async function block() {\n`
  return { source: `${lines}${rest}\n}\n`, added: lines.split('\n').length - 1 }
}

const importLine = /^import [^]*?from '[^']+'.*$/gm

/** Each name that an import brings, with a statement that imports it alone. */
function importedNames(line: string): (readonly [string, string])[] {
  const from = /from '[^']+'/.exec(line)?.[0] ?? ''
  const all = /\* as (\w+)/.exec(line)?.[1]
  if (all !== undefined) return [[all, `import * as ${all} ${from}`]]
  const list = /\{([^}]*)\}/.exec(line)?.[1]?.split(',') ?? []
  return list
    .filter((name) => name.trim() !== '')
    .map((name) => [name.trim().split(' as ').at(-1) ?? '', `import { ${name.trim()} } ${from}`])
}

function exportedNames(entry: string): Set<string> {
  const text = readFileSync(entry, 'utf8')
  const lists = [...text.matchAll(/^export (?!type)\{([^}]*)\}/gm)].flatMap(([, list = '']) => list.split(','))
  return new Set(lists.map((name) => name.trim()).filter((name) => name !== '' && !name.startsWith('type ')))
}

function compile(root: string, files: ReadonlyMap<string, string>, packages: Record<string, string[]>): ts.Program {
  const read = ts.readConfigFile(join(root, 'tsconfig.json'), ts.sys.readFile) as { config: { compilerOptions: object } }
  const { options } = ts.convertCompilerOptionsFromJson(read.config.compilerOptions, root)
  const own = Object.entries(entries).map(([name, file]) => [name === 'index' ? 'heddle' : `heddle/${name}`, [join(root, file)]])
  Object.assign(options, { noUnusedLocals: false, noUnusedParameters: false, paths: { ...Object.fromEntries(own), ...packages } })
  const host = ts.createCompilerHost(options)
  const { fileExists, readFile, directoryExists } = host
  const folders = new Set([...files.keys()].map((file) => dirname(file)))
  host.fileExists = (file) => files.has(file) || fileExists(file)
  host.directoryExists = (folder) => folders.has(folder) || directoryExists?.(folder) === true
  host.readFile = (file) => files.get(file) ?? readFile(file)
  return ts.createProgram([...files.keys()], options, host)
}
