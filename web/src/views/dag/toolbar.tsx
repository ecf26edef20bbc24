/** The tools of the DAG view: graph or list, the states with their counts, focus, fit and export. */
import { FilterChip } from "../../parts/filter_chip";
import { LOOKS, State, WORDS } from "../../parts/look";
import { Icon } from "../../parts/icon";
import { counted } from "../../parts/format";
import { here, setQuery } from "../../router";
import { assets, loaded, project, task, taskError, tasks, waitingWord } from "../../store";
import { counts } from "./looks";
import { hops, isList, selected, setHops, shownLooks, toggleLook } from "./place";
import { layout } from "./layout";

export function Toolbar({ fit, exportSvg }: { fit: () => void; exportSvg: () => void }) {
  return (
    <div class="tools" role="toolbar" aria-label="Graph">
      <span class="seg">
        <button type="button" aria-pressed={!isList.value} onClick={() => setQuery({ view: null })}>
          Graph
        </button>
        <button type="button" aria-pressed={isList.value} onClick={() => setQuery({ view: "list" })}>
          List
        </button>
      </span>
      {taskError.value ? <NoTask /> : loaded.value && tasks.value.length === 0 ? <NotRun /> : <States />}
      <span class="grow" />
      <Focus />
      {!isList.value && (
        <>
          <button type="button" class="btn quiet" onClick={fit}>
            Fit <kbd>f</kbd>
          </button>
          <button type="button" class="btn quiet" title="Save the graph as an SVG file" onClick={exportSvg}>
            SVG
          </button>
        </>
      )}
    </div>
  );
}

const NoTask = () => (
  <span class="muted">
    {taskError.value} <a href={here({ task: null })}>Show the newest task</a>
  </span>
);

function NotRun() {
  const stages = layout.value?.stages.length ?? 0;
  const where = stages > 0 ? ` in ${counted(stages, "stage")}` : "";
  return (
    <span class="muted">
      {counted(assets.value.size, "asset")}
      {where}, {counted(project.value?.testCount ?? 0, "test")}
    </span>
  );
}

/** One chip a state, also without assets: the others must not move when the first one appears. */
function States() {
  const of = counts();
  const digits = String(assets.value.size).length;
  const shown = shownLooks.value;
  return (
    <>
      {LOOKS.map((look) => {
        const isOn = shown.has(look);
        return (
          <FilterChip key={look} isOn={isOn} toggle={() => toggleLook(look)}>
            <State look={look} word={look === "waiting" ? waitingWord.value : WORDS[look]} />
            <b style={{ minWidth: `${digits}ch` }}>{of[look]}</b>
            {isOn && <Icon name="close" />}
          </FilterChip>
        );
      })}
      {task.value && of.absent > 0 && <span class="muted nowrap">{of.absent} not in task</span>}
      <Hidden />
    </>
  );
}

function Hidden() {
  const shown = shownLooks.value;
  if (shown.size === 0) return null;
  const of = counts();
  const hidden = of.absent + LOOKS.filter((look) => !shown.has(look)).reduce((sum, look) => sum + of[look], 0);
  return (
    <span class="faint cut" role="status">
      {isList.value ? `${hidden} hidden by filters` : `${hidden} others dimmed`}
    </span>
  );
}

function Focus() {
  const now = hops.value;
  const canFocus = selected.value !== "" && assets.value.has(selected.value);
  const hint = canFocus ? "Show only what is this near to the selected asset" : "Select an asset first";
  return (
    <span class="row focus">
      {now > 0 && (
        <button type="button" class="btn quiet icon" aria-label="Fewer steps" aria-disabled={now === 1 || undefined} onClick={() => now > 1 && setHops(now - 1)}>
          −
        </button>
      )}
      <button
        type="button"
        class={now > 0 ? "btn quiet on" : "btn quiet"}
        aria-pressed={now > 0}
        aria-disabled={!canFocus || undefined}
        title={hint}
        onClick={() => canFocus && setHops(now > 0 ? 0 : 1)}
      >
        Focus ±{now || 1}
      </button>
      {now > 0 && (
        <button type="button" class="btn quiet icon" aria-label="More steps" onClick={() => setHops(now + 1)}>
          +
        </button>
      )}
    </span>
  );
}
