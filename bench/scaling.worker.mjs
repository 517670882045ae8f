import { workers } from 'heddle'

export const { same } = workers(import.meta.url, { same: (/** @type {number} */ x) => x })
