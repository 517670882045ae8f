import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { channels, contrast, inkOn, palettes, type Theme } from './palette.ts'

type Triple = readonly [number, number, number]

const linear = (colour: string): Triple =>
  channels(colour).map((c) => (c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4)) as unknown as Triple

/** Machado, Oliveira and Fernandes, "A physiologically-based model for simulation of color vision deficiency", 2009; severity 1. */
const eyes: Readonly<Record<string, readonly Triple[]>> = {
  'full colour': [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ],
  'no red': [
    [0.152286, 1.052583, -0.204868],
    [0.114503, 0.786281, 0.099216],
    [-0.003882, -0.048116, 1.051998],
  ],
  'no green': [
    [0.367322, 0.860646, -0.227968],
    [0.280085, 0.672501, 0.047413],
    [-0.01182, 0.04294, 0.968881],
  ],
}

const times = (m: readonly Triple[], [r, g, b]: Triple): Triple =>
  m.map(([x, y, z]) => Math.min(1, Math.max(0, x * r + y * g + z * b))) as unknown as Triple

/** OKLab (Ottosson 2020). */
function oklab([r, g, b]: Triple): Triple {
  const l = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b)
  const m = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b)
  const s = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b)
  return [
    0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s,
    1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s,
    0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s,
  ]
}

const themes = Object.keys(palettes) as Theme[]

test.each(themes.flatMap((theme) => Object.keys(eyes).map((eye) => [theme, eye] as const)))(
  'colours of %s stay apart for eyes with %s',
  (theme, eye) => {
    const { groups, failed } = palettes[theme]
    const seen = [...groups, failed].map((colour) => oklab(times(eyes[eye] as readonly Triple[], linear(colour))))
    for (let a = 0; a < seen.length; a++) {
      for (let b = 0; b < a; b++) {
        const [x, y] = [seen[a] as Triple, seen[b] as Triple]
        // A just noticeable difference is about 0.02.
        expect(Math.hypot(x[0] - y[0], x[1] - y[1], x[2] - y[2])).toBeGreaterThan(0.07)
      }
    }
  },
)

test.each(themes)('bars of %s stand out from the ground, and their labels from the bars', (theme) => {
  const { groups, failed, rest, ground, path } = palettes[theme]
  for (const colour of [...groups, failed, rest]) {
    expect(contrast(colour, ground)).toBeGreaterThan(3)
    expect(contrast(colour, inkOn(colour))).toBeGreaterThan(3.6)
  }
  expect(contrast(path, ground)).toBeGreaterThan(12)
})

/** The variables of tokens.css, as each theme has them. */
function tokens(theme: Theme): Record<string, string> {
  const css = readFileSync(new URL('./tokens.css', import.meta.url), 'utf8')
  const found = [...css.matchAll(/--([\w-]+): light-dark\((#\w+), (#\w+)\)/g)]
  return Object.fromEntries(found.map(([, name, light, dark]) => [name, theme === 'light' ? light : dark]))
}

test.each(themes)('canvases and style sheet of %s have the same colours', (theme) => {
  const { ground, text, faint, line, grip, accent, failed } = palettes[theme]
  expect(tokens(theme)).toMatchObject({ ground, text, faint, line, 'line-strong': grip, accent, failed })
})

test.each(themes)('text of %s can be read (WCAG AA)', (theme) => {
  const token = tokens(theme)
  const pairs = ['ground', 'surface', 'raised', 'hover'].flatMap((ground) =>
    ['text', 'faint', 'bad'].map((text) => [text, ground]),
  )
  pairs.push(['bad', 'bad-soft'], ['accent', 'ground'], ['ground', 'accent'], ['accent', 'accent-soft'], ['warn', 'warn-soft'])
  pairs.push(['text', 'accent-soft'], ['faint', 'bad-soft'], ['faint', 'accent-soft'])
  const low = pairs.filter(([text, ground]) => contrast(token[text as string] ?? '', token[ground as string] ?? '') < 4.5)
  expect(low).toEqual([])
})
