/**
 * The explanation of a run that has ended. That of many tasks takes hundreds of bytes and a microsecond or two for each, so a process of its own computes it
 * from the trace file, or from a temporary one: this one keeps the few bytes that each task was recorded in.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { explain, type Explanation, readTrace, type Recorder, type Trace, TraceFile } from '../../trace/index.ts'

/** Fewer are explained in a fifth of a second, which is about what another process takes to start. Chosen. */
export const manyTasks = 200_000
/** Names and numbers of groups and failures: megabytes at most. */
const mostBytes = 256 * 1_024 * 1_024

/** The command beside this file, as it is built; there is none beside the sources. */
const command = fileURLToPath(new URL('cli.js', import.meta.url))

/** @param file the trace on disk, whole; without it one is written and removed */
export function explained(recorder: Recorder, trace: Trace, file: string | undefined): Explanation {
  // What is only in the file is explained from there.
  if (recorder.spilled > 0 && file !== undefined)
    return (existsSync(command) ? askedOf(file) : undefined) ?? explain(readTrace(file))
  if (recorder.count < manyTasks || !existsSync(command)) return explain(trace)
  return explainedElsewhere(recorder, file) ?? explain(trace)
}

function explainedElsewhere(recorder: Recorder, file: string | undefined): Explanation | undefined {
  if (file !== undefined) return askedOf(file)
  let folder: string | undefined
  try {
    // For its owner only, as the file in it.
    folder = mkdtempSync(join(tmpdir(), 'heddle-'))
    const written = new TraceFile(join(folder, 'run.heddle'), recorder)
    written.close()
    return written.error ? undefined : askedOf(written.path)
  } catch {
    return undefined
  } finally {
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true })
  }
}

function askedOf(file: string): Explanation | undefined {
  const { status, stdout } = spawnSync(process.execPath, [command, 'trace', '--json', file], {
    encoding: 'utf8',
    maxBuffer: mostBytes,
    stdio: ['ignore', 'pipe', 'ignore'],
    // The arguments of the program do not belong here.
    env: { ...process.env, NODE_OPTIONS: '' },
  })
  if (status !== 0) return undefined
  try {
    const told = JSON.parse(stdout) as Omit<Explanation, 'grouping'>
    const grouping = { of: new Int32Array(0), labels: [], kinds: [], keys: [] }
    return { ...told, grouping, criticalPath: { ...told.criticalPath, segments: [] } }
  } catch {
    return undefined
  }
}
