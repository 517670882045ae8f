/** Optional packages (`peerDependencies`): loaded where they are installed, and asked for by name where they are not. */
import { HeddleError } from './errors.ts'

/**
 * @param purpose what the package is for, as the beginning of a sentence: `'Reading Parquet files'`
 * @param load imports it: a literal, so that bundlers and types see the package
 * @param setUp what is left to do after it is installed
 * @throws {HeddleError} with the command that installs it
 */
export async function optionalPackage<T>(purpose: string, name: string, load: () => Promise<T>, setUp = ''): Promise<T> {
  try {
    return await load()
  } catch (cause) {
    const hint = `npm install ${name}${setUp && `, and ${setUp}`}`
    throw new HeddleError(`${purpose} needs ${name}, which is not installed`, { cause, hint })
  }
}

type OpenTelemetry = typeof import('@opentelemetry/api')

/** The API through which a program's own OpenTelemetry SDK is reached. */
export function openTelemetry(purpose: string): Promise<OpenTelemetry> {
  const setUp = 'set up an SDK as its documentation says'
  return optionalPackage(purpose, '@opentelemetry/api', () => import('@opentelemetry/api'), setUp)
}

/** The same for those who do without it; undefined where it is not installed. */
export function openTelemetryIfInstalled(): Promise<OpenTelemetry | undefined> {
  return import('@opentelemetry/api').catch(() => undefined)
}
