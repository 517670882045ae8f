/** Products of matrices, tensors and vectors against NumPy. */
import { expect, test } from 'vitest'
import { differencesFromNumpy, type NumpyCase } from '../../../test/support/numpy-cases.ts'
import { hasNumpy } from '../../../test/support/numpy.ts'
import { randomFrom } from '../../../test/support/random.ts'
import * as da from '../index.ts'

const installed = hasNumpy()
const here = { threads: 0 } as const
const numbers = (seed: number, ...shape: number[]): da.NDArray<'f64', 'array'> => da.normal(shape, { seed })

test.skipIf(!installed)(
  'matmul of matrices, vectors and batches, of every dtype, through views, and of no elements',
  async () => {
    const inputs = {
      a: numbers(1, 37, 53),
      b: numbers(2, 53, 29),
      v: numbers(3, 53),
      batch: numbers(4, 3, 1, 7, 11),
      other: numbers(5, 5, 11, 6),
      many: numbers(6, 40, 3, 4),
      square: numbers(7, 300, 300),
      empty: da.zeros([0, 53]),
      inner: da.zeros([4, 0]),
      ints: da.from(
        new Int32Array(12).map((_, i) => i - 5),
        { shape: [3, 4] },
      ),
      longs: da.from(
        BigInt64Array.from({ length: 12 }, (_, i) => BigInt(i) * 3_000_000_000_000n),
        { shape: [4, 3] },
      ),
      bytes: da.from(
        new Uint8Array(12).map((_, i) => 250 + i),
        { shape: [4, 3] },
      ),
      f: numbers(8, 40, 3, 4).astype('f32'),
      g: numbers(9, 300, 70).astype('f32'),
      nan: da.from([
        [Number.NaN, 1],
        [2, Number.POSITIVE_INFINITY],
      ]),
    }
    const { a, b, v, batch, other, many, square, empty, inner, ints, longs, bytes, f, g, nan } = inputs
    const cases: NumpyCase[] = [
      { python: 'a @ b', array: () => da.matmul(a, b) },
      { python: 'a.T @ a', array: () => da.matmul(a.T, a) },
      { python: 'a[::-2, 3:] @ b[3:, ::3]', array: () => da.matmul(a.get('::-2', '3:'), b.get('3:', '::3')) },
      { python: 'a @ v', array: () => da.matmul(a, v) },
      { python: 'v @ b', array: () => da.matmul(v, b) },
      { python: 'v @ v', array: () => da.matmul(v, v) },
      { python: 'batch @ other', array: () => da.matmul(batch, other) },
      { python: 'many @ many.swapaxes(1, 2)', array: () => da.matmul(many, many.transpose(0, 2, 1)) },
      { python: 'many[::2] @ many[0].T', array: () => da.matmul(many.get('::2'), many.get(0).T) },
      { python: 'many @ many[0, 0]', array: () => da.matmul(many, many.get(0, 0)) },
      { python: 'many[0, 0, :3] @ many', array: () => da.matmul(many.get(0, 0, ':3'), many) },
      { python: 'square @ square', array: () => da.matmul(square, square) },
      { python: '(square + 1) @ (square * 2)', array: () => da.matmul(square.add(1), square.multiply(2)) },
      { python: 'empty @ b', array: () => da.matmul(empty, b) },
      { python: 'inner @ inner.T', array: () => da.matmul(inner, inner.T) },
      { python: 'ints @ bytes', array: () => da.matmul(ints, bytes) },
      { python: 'ints @ longs', array: () => da.matmul(ints, longs) },
      { python: 'np.stack([longs, longs]) @ longs.T', array: () => da.matmul(da.stack([longs, longs]), longs.T) },
      { python: 'f @ f.swapaxes(1, 2)', array: () => da.matmul(f, f.transpose(0, 2, 1)) },
      { python: 'g.T @ g', array: () => da.matmul(g.T, g) },
      { python: 'g @ g[0]', array: () => da.matmul(g, g.get(0)) },
      { python: 'a[:, :40] @ f[:, 0]', array: () => da.matmul(a.get(':', ':40'), f.get(':', 0)) },
      { python: 'nan @ nan', array: () => da.matmul(nan, nan) },
      { python: 'a @ a', array: () => da.matmul(a, a) },
      { python: 'batch @ batch', array: () => da.matmul(batch, batch) },
      { python: 'np.dot(batch, other)', array: () => da.dot(batch, other) },
      { python: 'np.dot(many, v[:4])', array: () => da.dot(many, v.get(':4')) },
      { python: 'np.dot(v, v)', array: () => da.dot(v, v) },
      { python: 'np.vecdot(many, many[0])', array: () => da.vecdot(many, many.get(0)) },
      { python: 'np.vecdot(ints, ints, axis=0)', array: () => da.vecdot(ints, ints, { axis: 0 }) },
      { python: 'np.outer(ints, v)', array: () => da.outer(ints, v) },
      { python: 'np.cross(many[..., :3], many[0, 0, 1:])', array: () => da.cross(many.get('...', ':3'), many.get(0, 0, '1:')) },
      { python: 'np.cross(many, many[:, ::-1], axis=1)', array: () => da.cross(many, many.get(':', '::-1'), { axis: 1 }) },
      { python: 'np.trace(many, axis1=1, axis2=2)', array: () => da.trace(many) },
      { python: 'np.trace(square, offset=-3)', array: () => da.trace(square, { offset: -3 }) },
      {
        python: 'np.diagonal(many, offset=1, axis1=0, axis2=2)',
        array: () => da.diagonal(many, { offset: 1, axis1: 0, axis2: 2 }),
      },
      { python: 'np.diagonal(a, offset=100)', array: () => da.diagonal(a, { offset: 100 }) },
      {
        python: 'np.tensordot(many, other, axes=([1, 2], [2, 1]))',
        array: () =>
          da.tensordot(many, other, [
            [1, 2],
            [2, 1],
          ]),
      },
      { python: 'np.tensordot(many, np.transpose(many), axes=2)', array: () => da.tensordot(many, many.T, 2) },
      {
        python: 'np.tensordot(many, many.transpose(2, 1, 0), axes=([2, 1], [0, 1]))',
        array: () =>
          da.tensordot(many, many.transpose(2, 1, 0), [
            [2, 1],
            [0, 1],
          ]),
      },
      { python: 'np.tensordot(v, v, axes=0)', array: () => da.tensordot(v, v, 0) },
    ]
    expect(await differencesFromNumpy(inputs, cases)).toEqual([])
  },
)

test.skipIf(!installed)('einsum', async () => {
  const inputs = {
    a: numbers(1, 6, 7),
    b: numbers(2, 7, 8),
    c: numbers(3, 8, 9),
    d: numbers(4, 9, 2),
    batch: numbers(5, 5, 6, 7),
    square: numbers(6, 6, 6),
    cube: numbers(7, 4, 4, 4),
    v: numbers(8, 7),
    one: numbers(9, 1, 7),
    thin: numbers(11, 2, 1, 7),
    thick: numbers(12, 3, 5, 8),
    ints: da.from(
      new Int32Array(42).map((_, i) => i),
      { shape: [6, 7] },
    ),
    f: numbers(10, 6, 7).astype('f32'),
  }
  const given: Readonly<Record<string, da.NDArray>> = inputs
  const calls: readonly (readonly [string, ...string[]])[] = [
    ['ij,jk->ik', 'a', 'b'],
    ['ij,jk', 'a', 'b'],
    ['ij,jk->ki', 'a', 'b'],
    ['ij->ji', 'a'],
    ['ij->', 'a'],
    ['ij->j', 'a'],
    ['ii', 'square'],
    ['ii->i', 'square'],
    ['iii->i', 'cube'],
    ['iij->j', 'cube'],
    ['iij,jk->ik', 'cube', 'cube[0]'],
    ['bij,jk->bik', 'batch', 'b'],
    ['bij,bij->b', 'batch', 'batch'],
    ['bij,bkj->bik', 'batch', 'batch'],
    ['bij,bkj->ibk', 'batch', 'batch'],
    ['bij,cij->bc', 'batch', 'batch'],
    ['...ij,jk->...ik', 'batch', 'b'],
    ['...ij->...ji', 'batch'],
    ['...j,j->...', 'batch', 'v'],
    ['...,...', 'a', 'v'],
    ['ij,jk,kl->il', 'a', 'b', 'c'],
    ['ij,jk,kl,lm->im', 'a', 'b', 'c', 'd'],
    ['lm,kl,jk,ij->mi', 'd', 'c', 'b', 'a'],
    ['ij,kl->ijkl', 'a', 'c'],
    ['i,j,k->kij', 'v', 'v', 'v'],
    ['ij,ij,ij->ij', 'a', 'a', 'a'],
    ['ij,ij->', 'a', 'a'],
    ['ij,j,i->', 'a', 'v', 'square[0]'],
    ['ij,kj->ik', 'a', 'one'],
    ['ij,ij->ij', 'a', 'one'],
    ['ij,ij->j', 'one', 'a'],
    ['ij,jk->ik', 'ints', 'b'],
    ['ij,kj->ik', 'f', 'f'],
    ['i->', 'v'],
    ['ij , jk -> ik', 'a', 'b'],
    ['aB,Bc', 'a', 'b'],
    ['mij,jk,pik->mp', 'thin', 'b', 'thick'],
  ]
  const operand = (name: string): da.NDArray =>
    name.endsWith('[0]') ? (given[name.slice(0, -3)] as da.NDArray).get(0) : (given[name] as da.NDArray)
  const cases = calls.map(([subscripts, ...names]) => ({
    python: `np.einsum('${subscripts}', ${names.join(', ')})`,
    array: () => da.einsum(subscripts, ...names.map(operand)),
  }))
  expect(await differencesFromNumpy(inputs, cases)).toEqual([])
})

test.skipIf(!installed)('einsum of random subscripts', async () => {
  const random = randomFrom(29)
  const { below } = random
  const lengths: Readonly<Record<string, number>> = { i: 2, j: 3, k: 4, l: 2, m: 3 }
  const inputs: Record<string, da.NDArray> = {}
  const cases: NumpyCase[] = []
  for (let n = 0; n < 60; n++) {
    const lists = Array.from({ length: 1 + below(4) }, () =>
      Array.from({ length: 1 + below(4) }, () => 'ijklm'[below(5)] as string).join(''),
    )
    const all = [...new Set(lists.join(''))]
    const output = all
      .filter(() => random.next() < 0.5)
      .sort(() => random.next() - 0.5)
      .join('')
    const subscripts = `${lists.join()}->${output}`
    const operands = lists.map((list, i) => {
      const name = `x${n}_${i}`
      inputs[name] = numbers(100 * n + i, ...[...list].map((index) => lengths[index] as number))
      return name
    })
    cases.push({
      python: `np.einsum('${subscripts}', ${operands.join(', ')})`,
      array: () => da.einsum(subscripts, ...operands.map((name) => inputs[name] as da.NDArray)),
    })
  }
  expect(await differencesFromNumpy(inputs, cases)).toEqual([])
})

test('the same bits on any number of threads, and for a batch as for each of it', async () => {
  const x = await da.normal([6, 200, 150], { seed: 1 }).persist(here)
  const y = await da.normal([6, 150, 180], { seed: 2 }).persist(here)
  const alone = (await da.matmul(x, y).compute(here)) as da.Dense<'f64'>
  expect((await da.matmul(x, y).compute({ threads: 2 })).data).toEqual(alone.data)
})

test('what does not go together is named', () => {
  const [a, v] = [da.zeros([2, 3]), da.zeros([3])]
  expect(() => da.matmul(a, a)).toThrow('Shapes (2, 3) and (2, 3) cannot be multiplied as matrices')
  expect(() => da.matmul(da.zeros([2, 2, 3]), da.zeros([3, 3, 4]))).toThrow('cannot be broadcast')
  expect(() => da.matmul(a, da.from(3))).toThrow('cannot be multiplied')
  expect(() => da.einsum('ij,jk->ik', a)).toThrow('2 lists of indices for 1 operands')
  expect(() => da.einsum('ij,jk->ik', a, a)).toThrow('stands for 3 and for 2 elements')
  expect(() => da.einsum('ij->ijk', a)).toThrow('is in no operand')
  expect(() => da.einsum('ij->ii', a)).toThrow('twice in the output')
  expect(() => da.einsum('i1,jk', a, a)).toThrow('letters')
  expect(() => da.einsum('ijk', a)).toThrow('operand 0 has shape (2, 3)')
  expect(() => da.einsum('...i->i', a)).toThrow('lacks the `...`')
  expect(() => da.einsum('i->i', [1, 2] as never)).toThrow('Expected einsum to get an array')
  expect(() => da.tensordot(a, a, 1)).toThrow('differ along the paired axes 1 and 0')
  expect(() => da.tensordot(a, v, 3)).toThrow('Expected `axes` of tensordot')
  expect(() => da.vecdot(a, da.zeros([4]))).toThrow('different lengths along axis -1')
  expect(() => da.cross(a, da.zeros([2]))).toThrow('3 elements along axis -1')
  expect(() => da.diagonal(v)).toThrow('two axes or more')
})
