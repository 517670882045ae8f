/** The formats that plans are read from, for the command line too: nothing else is loaded with them. */
export const planFormats = [
  'json',
  'yaml',
  'csv',
  'mermaid',
  'mspdi',
  'github',
  'scripts',
  'turbo',
  'nx',
  'make',
  'psplib',
  'rcp',
] as const

/** A format that plans are read from. */
export type PlanFormat = (typeof planFormats)[number]
