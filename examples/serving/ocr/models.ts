/**
 * The two models of OCR, each in replicas of its own: one finds lines of text in a picture, one reads a line. Their files are in the package rapidocr of PyPI
 * (Apache-2.0), in the folder `rapidocr/models`:
 *
 *     OCR_FIND=PP-OCRv6_det_small.onnx OCR_READ=PP-OCRv6_rec_small.onnx
 *
 * What they need is yours to install: npm install onnxruntime-node sharp
 */
import { readFile } from 'node:fs/promises'
import { replica, replicas } from 'heddle/serve'
import { InferenceSession } from 'onnxruntime-node'
import { linesIn } from './find.ts'
import type { Line } from './lines.ts'
import { charactersOf, textsOf } from './read.ts'

const { OCR_FIND = 'models/PP-OCRv6_det_small.onnx', OCR_READ = 'models/PP-OCRv6_rec_small.onnx' } = process.env

const session = (path: string, threads: number): Promise<InferenceSession> =>
  InferenceSession.create(path, { intraOpNumThreads: threads, interOpNumThreads: 1 })

/** Path of a picture to its lines, from top to bottom. Pictures differ in size, so that each is a run of its own. */
export const { find } = replicas(
  import.meta.url,
  {
    find: replica({
      open: ({ threads }) => session(OCR_FIND, threads),
      run: (model, paths: string[]) => Promise.all(paths.map((path) => linesIn(model, path))),
      close: (model) => model.release(),
    }),
  },
  { batch: { items: 1 } },
)

/** A line to its text. What a run takes grows with the width of its longest line: that is what a line costs, and lines of similar width travel together. */
export const { read } = replicas(import.meta.url, {
  read: replica({
    open: async ({ threads }) => ({
      session: await session(OCR_READ, threads),
      characters: charactersOf(await readFile(OCR_READ)),
    }),
    run: ({ session, characters }, lines: Line[]) => textsOf(session, characters, lines),
    cost: (_model, { width }) => width,
    close: ({ session }) => session.release(),
  }),
})
