/** What a kernel should take for an element. Measured on one 2.6 GHz core. */
import { operations } from '../expression/elementwise.ts'
import type { KernelProgram } from './ir.ts'

/** Nanoseconds to make one random number. */
export const randomNs = { uniform: 0.7, normal: 6 }
const loopNs = 0.15

/** Nanoseconds per element of a kernel, without moving its inputs and outputs. */
export function kernelNs(program: KernelProgram): number {
  let ns = loopNs + 0.1 * program.reductions.length
  for (const node of program.nodes) {
    if (node.kind === 'random') ns += randomNs[node.distribution]
    else if (node.kind === 'operation') ns += operations[node.name].ns
  }
  return ns
}
