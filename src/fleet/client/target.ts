/** What a worker function is called on other machines. */
import { InvalidOption } from '../../base/errors.ts'
import type { FunctionRef } from '../../run/executor.ts'
import { moduleBuildOf } from '../naming/build.ts'
import type { ModuleBuild } from '../naming/names.ts'
import type { FunctionName } from '../protocol/message.ts'

/** @throws {InvalidOption} for functions in a row that are not of one module */
export function targetOf(ref: FunctionRef): { readonly module: ModuleBuild; readonly fns: readonly FunctionName[] } {
  const parts = ref.parts ?? [ref]
  const modules = parts.map((part) => moduleBuildOf(part.module))
  const [module] = modules
  if (!module || modules.some((other) => other.module !== module.module || other.package !== module.package))
    throw new InvalidOption(
      `The functions of "${ref.name}" lie in several modules: on a fleet each stage that follows another must be of its module`,
      {
        hint: 'Give the stages different options, such as a concurrency, so that they travel by themselves.',
      },
    )
  return { module, fns: parts.map(({ name }) => ({ package: module.package, module: module.module, name })) }
}
