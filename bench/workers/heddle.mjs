/** The worker functions of the benches, as heddle defines them: contained, that is on workers only. */
import { workers } from 'heddle'
import * as plain from './plain.mjs'

export const { double, spin, countWords } = workers(import.meta.url, { ...plain })
