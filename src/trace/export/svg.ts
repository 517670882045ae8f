/** Characters that XML forbids even escaped: a picture with one does not open. */
// oxlint-disable-next-line no-control-regex -- they are what is looked for
const forbidden = /[\0-\u0008\u000B\u000C\u000E-\u001F\uFFFE\uFFFF\p{Surrogate}]/gu

/** What both pictures share. */
export function escapeXml(text: string): string {
  return text.replace(forbidden, '\uFFFD').replace(/[&<>"']/g, (letter) => `&#${letter.charCodeAt(0)};`)
}

/** Ten hues far from one another, readable on light and dark; after Okabe and Ito (2008), lightened. */
const palette = ['#4e9bd6', '#e69f3c', '#3fae86', '#cc79a7', '#d9c233', '#7a79d6', '#e07a50', '#59b4b8', '#a3a3a3', '#9ac253']

export function groupColor(group: number): string {
  return palette[group % palette.length] as string
}

/** The page that a picture stands on: what shows one by itself would put light letters on white where dark is preferred. */
export function svgPage(width: number, height: number): string {
  return `<style>${svgStyle}</style>\n<path class="page" d="M0 0H${width}V${height}H0z"/>`
}

/** Light or dark, as is preferred where it is shown. */
const svgStyle = `.page{fill:#fff}text{font:12px system-ui,sans-serif;fill:#333}.faint{fill:#767676}.line{stroke:#999;fill:none}.box{fill:#f4f4f4;stroke:#999}
.failed{fill:#1a1a1a}text.on-failed{fill:#fff}
@media(prefers-color-scheme:dark){.page{fill:#17181b}text{fill:#ddd}.faint{fill:#9a9a9a}.box{fill:#26282c}.line{stroke:#777}.failed{fill:#fafafa}text.on-failed{fill:#111}}
.line.critical,.box.critical{stroke:#d9480f;stroke-width:2.5}`

/** About how wide text is drawn; a picture cannot measure it. */
export const textWidth = (text: string): number => 7 * text.length

/** Cuts a label to at most `most` letters. */
export function clip(text: string, letters: number): string {
  return text.length <= letters ? text : `${text.slice(0, Math.max(1, letters - 1))}…`
}
