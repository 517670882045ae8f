/**
 * What editors show of the package: every export has a description, functions say what their parameters mean and which errors they throw, and those with options or
 * functions as parameters show an example.
 */
import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { expect, test } from 'vitest'
import { entries } from '../entries.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const config = ts.readConfigFile(`${root}tsconfig.json`, ts.sys.readFile).config as { compilerOptions: object }
const { options } = ts.convertCompilerOptionsFromJson(config.compilerOptions, root)
const program = ts.createProgram(
  Object.values(entries).map((source) => root + source),
  { ...options, noEmit: true },
)
const checker = program.getTypeChecker()

interface Exported {
  /** `heddle/array: arange`. */
  readonly label: string
  readonly symbol: ts.Symbol
}

const exported = Object.entries(entries).flatMap(([entry, source]): Exported[] => {
  const file = checker.getSymbolAtLocation(program.getSourceFile(root + source) as ts.SourceFile) as ts.Symbol
  return checker.getExportsOfModule(file).map((symbol) => ({
    label: `heddle${entry === 'index' ? '' : `/${entry}`}: ${symbol.name}`,
    symbol: symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol,
  }))
})

const descriptionOf = (symbol: ts.Symbol): string => ts.displayPartsToString(symbol.getDocumentationComment(checker))
const tagsOf = (symbol: ts.Symbol, name: string): string[] =>
  symbol
    .getJsDocTags(checker)
    .filter((tag) => tag.name === name)
    .map(({ text }) => ts.displayPartsToString(text))
const isInternal = (symbol: ts.Symbol): boolean => symbol.getJsDocTags(checker).some(({ name }) => name === 'internal')

function signaturesOf(symbol: ts.Symbol): readonly ts.Signature[] {
  if (symbol.flags & ts.SymbolFlags.Class || !symbol.valueDeclaration) return []
  return checker.getTypeOfSymbolAtLocation(symbol, symbol.valueDeclaration).getCallSignatures()
}

const functions = exported.filter(({ symbol }) => signaturesOf(symbol).length > 0)

/** A parameter whose type has a name of our own is described there: `options: MapOptions`, `graph: Graph`. */
function isDescribedByType(parameter: ts.Symbol): boolean {
  const written = (parameter.valueDeclaration as ts.ParameterDeclaration | undefined)?.type?.getText() ?? ''
  if (/\b[A-Z]\w*Options\b/.test(written)) return true
  const type = checker.getTypeOfSymbol(parameter).getNonNullableType()
  const symbol = type.aliasSymbol ?? type.getSymbol()
  return symbol !== undefined && descriptionOf(symbol) !== ''
}

function takesOptionsOrFunctions(signature: ts.Signature): boolean {
  return signature.getParameters().some((parameter) => {
    const type = checker.getTypeOfSymbol(parameter).getNonNullableType()
    return type.getCallSignatures().length > 0 || (type.aliasSymbol ?? type.getSymbol())?.name.endsWith('Options') === true
  })
}

test('every export has a description', () => {
  expect(exported.filter(({ symbol }) => descriptionOf(symbol) === '').map(({ label }) => label)).toEqual([])
  expect(exported.length).toBeGreaterThan(300)
})

test('every function says which errors it throws, or that it never does', () => {
  const silent = functions.filter(
    ({ symbol }) => tagsOf(symbol, 'throws').length === 0 && !/Never throws/.test(descriptionOf(symbol)),
  )
  expect(silent.map(({ label }) => label)).toEqual([])
})

test('every parameter is described: by name, or by its type', () => {
  const missing = functions.flatMap(({ label, symbol }) => {
    const documented = tagsOf(symbol, 'param').map((text) => text.split(/\s/)[0])
    const text = [descriptionOf(symbol), ...symbol.getJsDocTags(checker).map((tag) => ts.displayPartsToString(tag.text))].join(
      '\n',
    )
    const parameters = signaturesOf(symbol).flatMap((signature) => signature.getParameters())
    return parameters
      .filter(({ name }) => !documented.includes(name) && !new RegExp(`\\b${name}\\b`).test(text))
      .filter((parameter) => !isDescribedByType(parameter))
      .map(({ name }) => `${label}(${name})`)
  })
  expect([...new Set(missing)]).toEqual([])
})

test('every function that takes options or functions shows an example', () => {
  const bare = functions.filter(
    ({ symbol }) => signaturesOf(symbol).some(takesOptionsOrFunctions) && tagsOf(symbol, 'example').length === 0,
  )
  expect(bare.map(({ label }) => label)).toEqual([])
})

test('every option, and every method of a class, has a description', () => {
  const bare = exported.flatMap(({ label, symbol }) => {
    const { members } = symbol
    if (!members) return []
    const isOptions = symbol.name.endsWith('Options')
    if (!isOptions && !(symbol.flags & ts.SymbolFlags.Class)) return []
    const wanted = isOptions ? ts.SymbolFlags.Method | ts.SymbolFlags.Property : ts.SymbolFlags.Method
    return [...members.values()]
      .filter(({ flags }) => flags & wanted)
      .filter((member) => !/^(__|#)/.test(member.name) && !isInternal(member) && !isPrivate(member))
      .filter((member) => descriptionOf(member) === '' && member.getJsDocTags(checker).length === 0)
      .map(({ name }) => `${label}.${name}`)
  })
  expect(bare).toEqual([])
})

function isPrivate({ declarations }: ts.Symbol): boolean {
  const hidden = ts.ModifierFlags.Private | ts.ModifierFlags.Protected
  return (
    declarations?.some(
      (declaration) =>
        ts.getCombinedModifierFlags(declaration) & hidden || ts.isPrivateIdentifier((declaration as ts.MethodDeclaration).name),
    ) === true
  )
}
