/** C −= A B on this thread, by the tiles of the matrix product: what factorizations do most of their work with. */
import { pack } from '../wasm/pack.ts'
import { panelColumns, panelRows, productTiles, tileLength } from '../wasm/product.ts'

/** Part of a matrix: element (i, j) lies at `at + i × row + j × column`. */
export interface Part {
  readonly data: Float64Array
  readonly at: number
  readonly row: number
  readonly column: number
}

/** Below this many multiplications packing costs more than it saves. */
const smallest = 1 << 14

export function subtractProduct(c: Part, a: Part, b: Part, rows: number, columns: number, inner: number): void {
  if (rows * columns * inner < smallest) return plainly(c, a, b, rows, columns, inner)
  const tiles = productTiles('f64')
  for (let row = 0; row < rows; row += tileLength) {
    const height = Math.min(tileLength, rows - row)
    for (let column = 0; column < columns; column += tileLength) {
      const width = Math.min(tileLength, columns - column)
      const panels = Math.ceil(height / panelRows)
      tiles.c.fill(0, 0, panels * panelRows * tileLength)
      for (let k = 0; k < inner; k += tileLength) {
        const depth = Math.min(tileLength, inner - k)
        pack(a.data, a.at + row * a.row + k * a.column, a.row, a.column, height, depth, panelRows, tiles.a)
        pack(b.data, b.at + column * b.column + k * b.row, b.column, b.row, width, depth, panelColumns.f64, tiles.b)
        tiles.multiply(depth, panels, Math.ceil(width / panelColumns.f64))
      }
      subtractTile(c, row, column, height, width, tiles.c as Float64Array)
    }
  }
}

function subtractTile(c: Part, row: number, column: number, height: number, width: number, tile: Float64Array): void {
  const { data } = c
  for (let i = 0; i < height; i++) {
    const to = c.at + (row + i) * c.row + column * c.column
    const from = i * tileLength
    for (let j = 0; j < width; j++) data[to + j * c.column] = (data[to + j * c.column] as number) - (tile[from + j] as number)
  }
}

function plainly(c: Part, a: Part, b: Part, rows: number, columns: number, inner: number): void {
  for (let i = 0; i < rows; i++) {
    for (let k = 0; k < inner; k++) {
      const factor = a.data[a.at + i * a.row + k * a.column] as number
      let [to, from] = [c.at + i * c.row, b.at + k * b.row]
      for (let j = 0; j < columns; j++, to += c.column, from += b.column) {
        c.data[to] = (c.data[to] as number) - factor * (b.data[from] as number)
      }
    }
  }
}
