/** The worker functions of the benches, of a module that consents to run on the caller's thread. */
import { workers } from 'heddle'
import * as plain from './plain.mjs'

export const { double, spin, countWords } = workers(import.meta.url, { ...plain }, { inline: true })
