import { createContext } from 'preact'
import { useContext } from 'preact/hooks'
import type { Model } from './model.ts'

export const ModelContext = createContext<Model | undefined>(undefined)

/** The model of the page that a component stands in. */
export function useModel(): Model {
  const model = useContext(ModelContext)
  if (!model) throw new Error('no model around this component')
  return model
}
