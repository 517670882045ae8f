import { expect, test } from 'vitest'
import type { CallOptions, FunctionRef } from '../../run/executor.ts'
import { cheaperHere } from './calls-here.ts'
import { Estimate } from './estimate.ts'

const estimate = new Estimate()
for (let i = 0; i < 30; i++) {
  estimate.record(100, 1, false)
  estimate.recordPost(100, 100)
}
const ref = { module: 'file:///sum.js', name: 'sum', local: () => 0, setup: undefined, inline: true } as unknown as FunctionRef

test.each<[string, Partial<FunctionRef>, CallOptions, boolean]>([
  ['a plain call of a function that consented', {}, {}, true],
  ['a call of one that did not', { inline: false }, {}, false],
  ['of a module with a setup', { setup: () => 0 }, {}, false],
  ['of a module that is not loaded here', { local: undefined }, {}, false],
  ['with a timeout', {}, { timeoutMs: 5 }, false],
  ['that belongs to a place', {}, { place: {} as never }, false],
  ['of which the result stays there', {}, { seal: true }, false],
  ['of which arguments are there', {}, { seal: true, sealed: [{ argument: 0, key: undefined }] }, false],
  ['of which the result may stay there, and the arguments are here', {}, { seal: true, sealed: [] }, true],
])('%s may run here: %s', (_what, more, options, here) => {
  expect(cheaperHere({ ...ref, ...more }, estimate, options)).toBe(here)
})
