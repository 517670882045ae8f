/** The colours of the timeline, most time first; a click looks at one group, the next at the next of the same name, then at all again. */
import type { Family } from '../look/families.ts'
import { countOf } from '../look/format.ts'
import { palettes } from '../look/palette.ts'
import { Swatch } from '../parts/Swatch.tsx'
import { useModel } from '../state/context.ts'
import { theme } from '../state/theme.ts'

export function Legend() {
  const model = useModel()
  const families = model.families.value
  const own = palettes[theme.value].groups.length
  const others = families.slice(own).reduce((sum, { groups }) => sum + groups.length, 0)
  const next = ({ groups }: Family): number | undefined => groups[groups.indexOf(model.group.peek() ?? -1) + 1]
  return (
    <div class="groups-legend" role="group" aria-label="Groups">
      {families.slice(0, own).map((family) => (
        <button
          key={family.name}
          type="button"
          aria-pressed={model.group.value !== undefined && family.groups.includes(model.group.value)}
          title={`Only ${family.groups.map((group) => model.label(group)).join(', then only ')}`}
          onClick={() => (model.group.value = next(family))}
        >
          <Swatch group={family.groups[0] as number} />
          <span>{family.name}</span>
        </button>
      ))}
      {others > 0 && (
        <button type="button" title="All groups" onClick={() => (model.tab.value = 'groups')}>
          <Swatch group={families[own]?.groups[0] as number} />
          <span>{countOf(others, 'other')}</span>
        </button>
      )}
    </div>
  )
}
