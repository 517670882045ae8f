/** The forms that {@link exportTrace} knows; in a file of their own, so that help and the page need not load what writes them. */
export const exportFormats = ['chrome', 'otlp', 'mermaid', 'svg-timeline', 'svg-graph'] as const
/** A form in which traces go to other tools. */
export type ExportFormat = (typeof exportFormats)[number]
