/** What canvases draw with: the palette of the theme, and the font. */
import { computed } from '@preact/signals'
import { theme } from '../state/theme.ts'
import { type Palette, palettes } from './palette.ts'

export interface Look extends Palette {
  readonly font: string
}

const font = '500 11px Inter, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "Liberation Sans", Arial, sans-serif'

export const look = computed<Look>(() => ({ ...palettes[theme.value], font }))
