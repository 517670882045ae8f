import { useModel } from '../state/context.ts'

/** The colour of a group, as a small square; failures have a mark of their own, which is not only a colour. */
export function Swatch({ group, failed = false }: { readonly group: number; readonly failed?: boolean }) {
  const model = useModel()
  if (failed) return <i class="swatch failed" />
  return <i class="swatch" style={{ background: model.colour(group) }} />
}
