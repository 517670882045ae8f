/** The forms that plans are written in, for the command line too: nothing else is loaded with them. */
export const planExports = ['json', 'csv', 'mermaid', 'mspdi', 'svg', 'html', 'digest'] as const
/** A form that plans are written in. */
export type PlanExport = (typeof planExports)[number]
