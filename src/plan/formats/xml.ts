/** A file of XML as a tree that knows its lines. Entities of its own document types are not expanded. */
import { InvalidPlan } from '../model/invalid-plan.ts'
import { place } from '../model/order.ts'

export interface Element {
  readonly name: string
  readonly line: number
  readonly children: Element[]
  text: string
}

/** Deeper nesting is an attack, not a plan. */
const deepest = 100

/** @throws {InvalidPlan} for what is not XML; with the line */
export async function readXml(text: string, file: string): Promise<Element> {
  const { SaxesParser } = await import('saxes')
  const parser = new SaxesParser({ position: true })
  const root: Element = { name: '', line: 1, children: [], text: '' }
  const open = [root]
  parser.on('error', (error) => {
    throw new InvalidPlan(`Not XML: ${error.message.replace(/^(?:[^\s:]+:)?\d+:\d+: /, '')}${place(file, parser.line)}`)
  })
  parser.on('opentag', ({ name }) => {
    if (open.length > deepest) throw new InvalidPlan(`The file is nested deeper than ${deepest}${place(file, parser.line)}`)
    const element: Element = { name: name.replace(/^.*:/, ''), line: parser.line, children: [], text: '' }
    open.at(-1)?.children.push(element)
    open.push(element)
  })
  const add = (part: string): void => {
    const last = open.at(-1)
    if (last) last.text += part
  }
  parser.on('text', add)
  parser.on('cdata', add)
  parser.on('closetag', () => void open.pop())
  parser.write(text.replace(/^\uFEFF/, '')).close()
  return root
}

export function child(element: Element | undefined, name: string): Element | undefined {
  return element?.children.find((each) => each.name === name)
}

export function all(element: Element | undefined, name: string): Element[] {
  return element?.children.filter((each) => each.name === name) ?? []
}

export function textIn(element: Element | undefined, name: string): string | undefined {
  const text = child(element, name)?.text.trim()
  return text === '' ? undefined : text
}
