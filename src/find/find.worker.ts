/** The worker module of `heddle find`: one function, which looks at a chunk of files. */
export { analyseChunk } from './chunk.ts'
