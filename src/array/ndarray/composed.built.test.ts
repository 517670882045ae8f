/** Functions that are made of others, against NumPy. */
import { expect, test } from 'vitest'
import { differencesFromNumpy } from '../../../test/support/numpy-cases.ts'
import { hasNumpy } from '../../../test/support/numpy.ts'
import * as da from '../index.ts'

test.skipIf(!hasNumpy())('composed functions give what NumPy gives', async () => {
  const { NaN: nan, POSITIVE_INFINITY: inf } = Number
  const a = da.from([0, -1.5, nan, inf, -inf, 3, nan])
  const b = da.from([0, -1.500001, 1, inf, inf, nan, nan])
  const m = da.from([
    [1, 2],
    [3, 4],
  ])
  const i = da.from([1, 2, 3], { dtype: 'i32' })
  const cases = [
    { python: 'np.deg2rad(a)', array: () => da.deg2rad(a) },
    { python: 'np.rad2deg(a)', array: () => da.rad2deg(a) },
    { python: 'np.exp2(a)', array: () => da.exp2(a) },
    { python: 'np.exp2(i)', array: () => da.exp2(i) },
    { python: 'np.fmax(a, b)', array: () => da.fmax(a, b) },
    { python: 'np.fmin(a, b)', array: () => da.fmin(a, b) },
    { python: 'np.isposinf(a)', array: () => da.isposinf(a) },
    { python: 'np.isneginf(a)', array: () => da.isneginf(a) },
    { python: 'np.isclose(a, b)', array: () => da.isclose(a, b) },
    { python: 'np.isclose(a, b, equal_nan=True)', array: () => da.isclose(a, b, { equalNan: true }) },
    { python: 'np.allclose(m, m + 1e-9)', array: () => da.allclose(m, m.add(1e-9)) },
    { python: 'np.nan_to_num(a)', array: () => da.nanToNum(a) },
    { python: 'np.nan_to_num(a, nan=7, posinf=8, neginf=9)', array: () => da.nanToNum(a, { nan: 7, posinf: 8, neginf: 9 }) },
    { python: 'np.sinc(m / 3)', array: () => da.sinc(m.divide(3)) },
    { python: 'np.sinc(np.zeros(2))', array: () => da.sinc(da.zeros(2)) },
    { python: 'np.atleast_3d(m)', array: () => da.atleast3d(m) },
    { python: 'np.atleast_3d(a)', array: () => da.atleast3d(a) },
    { python: 'np.atleast_2d(a)', array: () => da.atleast2d(a) },
    { python: 'np.vstack([a, b])', array: () => da.vstack([a, b]) },
    { python: 'np.hstack([m, m])', array: () => da.hstack([m, m]) },
    { python: 'np.hstack([a, b])', array: () => da.hstack([a, b]) },
    { python: 'np.dstack([m, m])', array: () => da.dstack([m, m]) },
    { python: 'np.column_stack([a, b])', array: () => da.columnStack([a, b]) },
  ]
  expect(await differencesFromNumpy({ a, b, m, i }, cases)).toEqual([])
})
