/** The tools of the Logs view: levels, search, asset, test; follow, copy, download. */
import { useEffect, useRef } from "preact/hooks";
import { useKeys } from "../../keys";
import { capital, count } from "../../parts/format";
import { Icon, type IconName } from "../../parts/icon";
import { setQuery } from "../../router";
import { assets, testResults } from "../../store";
import type { ListState } from "./list_state";
import { downloadUrl, type Filters, type Level, levelsShown, toggled } from "./log_filters";

const TYPING_MS = 250;

const LOOKS: Record<Level, { icon: IconName; colour: string }> = {
  critical: { icon: "failed", colour: "st-failed" },
  error: { icon: "failed", colour: "st-failed" },
  warning: { icon: "warn", colour: "st-warn" },
  info: { icon: "same", colour: "st-skipped" },
  debug: { icon: "waiting", colour: "st-waiting" },
};

export function LogTools({ state, copy }: { state: ListState; copy: () => void }) {
  const { filters } = state.source;
  return (
    <div class="tools">
      <LevelChips state={state} />
      <span class="vr" />
      <Search text={filters.text} />
      <Picker name="asset" label="Asset" value={filters.asset} values={[...assets.value.keys()]} />
      <Picker name="test" label="Test" value={filters.test} values={[...testResults.value.keys()]} />
      <span class="grow" />
      <button type="button" class="btn" aria-pressed={state.follows.value} onClick={() => toggleFollow(state)}>
        Follow <kbd>End</kbd>
      </button>
      <button type="button" class="btn" onClick={copy}>
        Copy view
      </button>
      <a class="btn" href={downloadUrl(filters)} download>
        Download
      </a>
    </div>
  );
}

function toggleFollow(state: ListState): void {
  if (state.follows.value) state.letGo();
  else state.follow();
}

/** One chip a level that can be switched. */
export function LevelChips({ state }: { state: ListState }) {
  const { filters, numbers } = state.source;
  const isOff = (level: Level): boolean => filters.levels !== null && !filters.levels.has(level);
  return (
    <>
      {levelsShown(numbers.value?.counts).map((level) => (
        <LevelChip key={level} level={level} isOff={isOff(level)} lines={numbers.value?.counts[level]} filters={filters} />
      ))}
    </>
  );
}

interface LevelChipProps {
  readonly level: Level;
  readonly isOff: boolean;
  readonly lines: number | undefined;
  readonly filters: Filters;
}

function LevelChip({ level, isOff, lines, filters }: LevelChipProps) {
  const { icon, colour } = LOOKS[level];
  const word = capital(level);
  return (
    <button
      type="button"
      class={isOff ? "chip filter off" : "chip filter lvl"}
      aria-pressed={!isOff}
      title={`${isOff ? "Show" : "Hide"} ${level} lines (${lines === undefined ? "–" : count(lines)}). Double click or Shift click: only these`}
      onClick={(event) => setQuery(toggled(filters, level, event.shiftKey))}
      onDblClick={() => setQuery(toggled(filters, level, true))}
    >
      <span class={`st ${colour}`}>
        <Icon name={icon} />
        {word}
      </span>
      <b>{lines === undefined ? "–" : count(lines)}</b>
      {isOff && " hidden"}
    </button>
  );
}

function Search({ text }: { text: string }) {
  const input = useRef<HTMLInputElement>(null);
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  useKeys({ "/": () => input.current?.select() });
  useEffect(() => {
    // A change that did not come from typing, such as Back.
    if (input.current && input.current.value.trim() !== text) input.current.value = text;
  }, [text]);
  const search = (): void => setQuery({ q: input.current?.value.trim() }, { replace: true });
  const later = (): void => {
    clearTimeout(timer.current);
    timer.current = setTimeout(search, TYPING_MS);
  };
  const onKey = (event: KeyboardEvent): void => {
    if (event.key === "Enter") search();
    else if (event.key === "Escape" && input.current) {
      event.stopPropagation();
      if (input.current.value) input.current.value = "";
      else input.current.blur();
      search();
    }
  };
  return (
    <span class={text ? "input logsearch on" : "input logsearch"}>
      <Icon name="search" />
      <input
        ref={input}
        type="search"
        aria-label="Search in the log"
        placeholder="Message, field=value"
        maxLength={500}
        spellcheck={false}
        onInput={later}
        onKeyDown={onKey}
      />
      {text ? <Clear what="the search" clear={() => setQuery({ q: null })} /> : <kbd>/</kbd>}
    </span>
  );
}

interface PickerProps {
  readonly name: "asset" | "test";
  readonly label: string;
  readonly value: string;
  readonly values: readonly string[];
}

/** One value of many, or all of them. A value that is no longer known can still be the one in the address. */
function Picker({ name, label, value, values }: PickerProps) {
  const shown = value && !values.includes(value) ? [value, ...values] : values;
  return (
    <span class={value ? "chip filter on picker" : "btn quiet picker"}>
      <label>
        {label}
        <select value={value} onChange={(event) => setQuery({ [name]: event.currentTarget.value })}>
          <option value="">all</option>
          {shown.toSorted().map((one) => (
            <option key={one} value={one}>
              {one}
            </option>
          ))}
        </select>
      </label>
      {value && <Clear what={`the filter by ${name}`} clear={() => setQuery({ [name]: null })} />}
    </span>
  );
}

function Clear({ what, clear }: { what: string; clear: () => void }) {
  return (
    <button type="button" class="clear" aria-label={`Clear ${what}`} title={`Clear ${what}`} onClick={clear}>
      <Icon name="close" />
    </button>
  );
}
