/** The same programs in other languages: see peers.py and peers.go. What is not installed is absent, never an error. */
import { deepStrictEqual } from 'node:assert'
import { goPeer, openPython, openServing } from '../harness/processes.mjs'
import { allPrograms } from './programs.mjs'

const python = ['multiprocessing', 'joblib', 'Ray', 'Dask bag', 'PySpark', 'DuckDB', 'Polars']
export const peerNames = ['Go', ...python]

/**
 * @param {string} name @param {{ program: string, size: 'small' | 'full' }} job
 * @returns {Promise<import('../harness/measure.mjs').Subject | import('../harness/measure.mjs').Absent | undefined>}
 */
export async function openPeer(name, { program: title, size }) {
  const program = allPrograms[title].of
  const call = program.peers?.[name]
  if (!call) return undefined
  const peer = await (name === 'Go' ? openServing(goPeer('whole-jobs')) : openPython(new URL('peers.py', import.meta.url)))
  if ('absent' in peer) return peer
  const input = await program.prepare(program.sizes[size])
  const question = { peer: name, ...call.ask(input) }
  const { absent, answer } = await peer.ask(question)
  if (absent) {
    await peer.close()
    return { absent }
  }
  const expected = await program.loop(await (program.fresh?.(input) ?? input))
  deepStrictEqual(answer, call.expect(expected))
  return { measure: async () => (await peer.ask(question)).ms, close: peer.close, ...(call.rounds && { rounds: call.rounds }) }
}
