import { optionalPackage } from '../../base/optional-package.ts'

/**
 * The AI SDK, version 6 or 7. Each caller has a type of as much of it as it uses.
 *
 * @param purpose as the beginning of a sentence: `'Asking a model'`
 */
export async function loadSdk<Sdk>(purpose: string): Promise<Sdk> {
  // Not a literal for the compiler: the package is optional.
  const name: string = 'ai'
  return (await optionalPackage(purpose, name, () => import(name))) as Sdk
}
