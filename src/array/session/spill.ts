/** Files for what does not fit in memory, in a folder of their own that goes with the computation. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { DType } from '../expression/dtype.ts'
import { type FileNode, makeNode } from '../expression/node.ts'
import type { Shape } from '../expression/shape.ts'

export class Spill {
  readonly #within: string
  #folder: string | undefined
  #count = 0

  /** @param within the folder in which that of the computation is made, when something is put there */
  constructor(within = tmpdir()) {
    this.#within = within
  }

  /** An empty file. */
  file(): string {
    this.#folder ??= mkdtempSync(join(this.#within, 'heddle-arrays-'))
    const path = join(this.#folder, String(++this.#count))
    writeFileSync(path, '')
    return path
  }

  close(): void {
    if (this.#folder !== undefined) rmSync(this.#folder, { recursive: true, force: true })
    this.#folder = undefined
  }
}

/** The elements of such a file as an array. */
export function heldInFile(path: string, dtype: DType, shape: Shape): FileNode {
  return makeNode({ kind: 'file', path, dtype, shape, offsetBytes: 0, bigEndian: false, chunk: undefined })
}
