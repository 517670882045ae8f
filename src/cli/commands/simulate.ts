/** `heddle simulate`: a model provider on this machine, until Ctrl-C; then what it has seen. */
import { counted } from '../../base/counted.ts'
import { once } from 'node:events'
import { simulate, type Simulator, type SimulatorOptions, type SimulatorStats } from '../../ai/simulator/index.ts'
import type { Invocation } from '../interface/command-spec.ts'
import { exitCodes } from '../interface/exit-codes.ts'
import { UsageError } from '../interface/usage-error.ts'

export async function command({ options }: Invocation): Promise<number> {
  const provider = await simulate(settingsOf(options))
  if (options.json === true) console.log(JSON.stringify({ baseURL: provider.baseURL, port: provider.port }))
  else {
    console.log(provider.baseURL)
    console.error(
      `A simulated model provider, OpenAI- and Anthropic-compatible. Every model name and key works.\nOPENAI_BASE_URL=${provider.baseURL}   Ctrl-C ends it`,
    )
  }
  const stopWatching = options.json === true ? () => {} : watch(provider)
  const signal = await Promise.race([
    once(process, 'SIGINT').then(() => 'SIGINT'),
    once(process, 'SIGTERM').then(() => 'SIGTERM'),
  ])
  stopWatching()
  const stats = provider.stats()
  // Requests under way may end; a second signal ends the program at once.
  await provider.close('1s')
  if (options.json === true) console.log(JSON.stringify(stats))
  else console.error(summary(stats))
  return signal === 'SIGINT' ? exitCodes.interrupted : exitCodes.terminated
}

/** From the option of the command line to that of the simulator. */
const numbers = {
  port: (port: number): SimulatorOptions => ({ port }),
  seed: (seed: number): SimulatorOptions => ({ seed }),
  'time-scale': (timeScale: number): SimulatorOptions => ({ timeScale }),
  rpm: (requestsPerMinute: number): SimulatorOptions => ({ limits: { requestsPerMinute } }),
  tpm: (tokensPerMinute: number): SimulatorOptions => ({ limits: { tokensPerMinute } }),
  'input-tpm': (inputTokensPerMinute: number): SimulatorOptions => ({ limits: { inputTokensPerMinute } }),
  'output-tpm': (outputTokensPerMinute: number): SimulatorOptions => ({ limits: { outputTokensPerMinute } }),
  overloaded: (overloaded: number): SimulatorOptions => ({ faults: { overloaded } }),
  'server-error': (serverError: number): SimulatorOptions => ({ faults: { serverError } }),
  broken: (broken: number): SimulatorOptions => ({ faults: { broken } }),
  hang: (hang: number): SimulatorOptions => ({ faults: { hang } }),
  quota: (calls: number): SimulatorOptions => ({ quota: { calls } }),
} as const

/** @throws {UsageError} for a value that is not a number; what is out of range is refused by the simulator */
function settingsOf(options: Invocation['options']): SimulatorOptions {
  let settings: SimulatorOptions = {}
  for (const [name, put] of Object.entries(numbers)) {
    const text = options[name]
    if (text === undefined) continue
    const value = Number(text)
    if (typeof text !== 'string' || text.trim() === '' || Number.isNaN(value)) {
      throw new UsageError(`Expected --${name} to be a number, got ${JSON.stringify(text)}`)
    }
    const { limits, faults, ...rest } = put(value)
    settings = {
      ...settings,
      ...rest,
      ...(limits && { limits: { ...settings.limits, ...limits } }),
      ...(faults && { faults: { ...settings.faults, ...faults } }),
    }
  }
  return settings
}

/** On a terminal: one line that says what is going on, twice a second. Gives what ends it. */
function watch(provider: Simulator): () => void {
  if (!process.stderr.isTTY) return () => {}
  const timer = setInterval(() => {
    const stats = provider.stats()
    process.stderr.write(`\r\u001B[K${stats.running} under way · ${counts(stats)}`)
  }, 500)
  return () => {
    clearInterval(timer)
    process.stderr.write('\r\u001B[K')
  }
}

function counts(stats: SimulatorStats): string {
  const refused = Object.entries(stats.refused).filter(([, count]) => count > 0)
  const causes = refused.length === 0 ? '0 refused' : refused.map(([cause, count]) => `${count} refused (${cause})`).join(', ')
  return `${counted(stats.requests, 'request')}: ${stats.answered} answered, ${stats.broken} broken off, ${causes}`
}

function summary(stats: SimulatorStats): string {
  return `${counts(stats)}\n${stats.inputTokens} tokens in, ${stats.outputTokens} out; at most ${stats.peak} at once`
}
