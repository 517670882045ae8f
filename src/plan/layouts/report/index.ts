/** What the command line shows of a layout: text, JSON, pictures. */
export { serveText } from './serve-text.ts'
export { trainText } from './train-text.ts'
export { serveSvg, trainSvg } from './pictures.ts'
export { serveJson, trainJson } from './json.ts'
export { compareText } from './compare-text.ts'
