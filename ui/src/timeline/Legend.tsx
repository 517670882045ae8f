/** The colours of the timeline, most work first; a click looks at one group. */
import { countOf } from '../look/format.ts'
import { palettes } from '../look/palette.ts'
import { Swatch } from '../parts/Swatch.tsx'
import { useModel } from '../state/context.ts'
import { theme } from '../state/theme.ts'

export function Legend() {
  const model = useModel()
  const groups = model.groupOrder.value
  const own = palettes[theme.value].groups.length
  const others = groups.length - own
  return (
    <div class="groups-legend" role="group" aria-label="Groups">
      {groups.slice(0, own).map((group) => (
        <button
          key={group}
          type="button"
          aria-pressed={model.group.value === group}
          title={`Only ${model.label(group)}`}
          onClick={() => (model.group.value = model.group.peek() === group ? undefined : group)}
        >
          <Swatch group={group} />
          <span>{model.label(group)}</span>
        </button>
      ))}
      {others > 0 && (
        <button type="button" title="All groups" onClick={() => (model.tab.value = 'groups')}>
          <Swatch group={groups[own] as number} />
          <span>{countOf(others, 'other')}</span>
        </button>
      )}
    </div>
  )
}
