/**
 * The colours of groups and states. Seven hues that stay apart for people who see no red or no green (palette.test.ts computes
 * it, Machado, Oliveira and Fernandes 2009), each at least 3:1 against the ground; red is kept for failures. The groups with
 * the most work get them; all others share a grey, which is honest about how many colours a person can tell apart.
 */
export interface Palette {
  readonly groups: readonly string[]
  /** All groups beyond those. */
  readonly rest: string
  readonly failed: string
  /** The same as in tokens.css. */
  readonly ground: string
  readonly text: string
  readonly faint: string
  readonly line: string
  /** Borders of what can be clicked. */
  readonly grip: string
  readonly accent: string
  /** Lines at round times. */
  readonly grid: string
  /** Outline of the critical path. */
  readonly path: string
}

export const palettes: Readonly<Record<'light' | 'dark', Palette>> = {
  light: {
    groups: ['#5c81e0', '#c67f18', '#319f7f', '#695093', '#499dca', '#4a6f04', '#8e1f5c'],
    rest: '#858b96',
    failed: '#d1242f',
    ground: '#ffffff',
    text: '#15181e',
    faint: '#626a76',
    line: '#e7e9ed',
    grip: '#cfd4db',
    accent: '#2461d8',
    grid: '#f1f2f5',
    path: '#111318',
  },
  dark: {
    groups: ['#6b9bf7', '#b56b10', '#7bebd2', '#8466c8', '#5dcbf0', '#c4d76f', '#cd7bb6'],
    rest: '#7d8490',
    failed: '#ff5d63',
    ground: '#14161a',
    text: '#eceef1',
    faint: '#99a1ad',
    line: '#262a31',
    grip: '#3a404a',
    accent: '#6ea1ff',
    grid: '#1c1f25',
    path: '#f4f5f7',
  },
}

export type Theme = keyof typeof palettes

/** `#rrggbb` as numbers from 0 to 255. */
export function channels(colour: string): readonly [number, number, number] {
  const value = Number.parseInt(colour.slice(1), 16)
  return [(value >> 16) & 255, (value >> 8) & 255, value & 255]
}

/** Relative luminance (WCAG 2.2). */
export function luminance(colour: string): number {
  const [r, g, b] = channels(colour).map((c) => (c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4)) as [
    number,
    number,
    number,
  ]
  return 0.2126 * r + 0.7152 * g + 0.0722 * b
}

/** Contrast of two colours (WCAG 2.2), from 1 to 21. */
export function contrast(a: string, b: string): number {
  const [high, low] = [luminance(a), luminance(b)].sort((x, y) => y - x) as [number, number]
  return (high + 0.05) / (low + 0.05)
}

/** Black or white, whichever reads better on the colour. */
export const inkOn = (colour: string): '#ffffff' | '#0d0f12' =>
  contrast(colour, '#ffffff') >= contrast(colour, '#0d0f12') ? '#ffffff' : '#0d0f12'
