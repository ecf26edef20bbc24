/** The log lines that are in sight, of as many as there are. */
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import { capital, count } from "../../parts/format";
import { Icon } from "../../parts/icon";
import { ROW_PX } from "../../parts/windowed";
import { assetPath, link } from "../../router";
import type { ListState } from "./list_state";
import { type LogLine, ownFields, reason, timeText, valueText } from "./log_line";
import { fieldSearch, parts } from "./marks";

const SHOWN_CHARS = 500; // of a message or a field, in its line
const SHOWN_FIELDS = 12;

/** `ofOneAsset` leaves out the column of the asset. A narrow list leaves out milliseconds and fields. */
export function LineList({ state, ofOneAsset = false }: { state: ListState; ofOneAsset?: boolean }) {
  const scroller = useRef<HTMLDivElement>(null);
  const { source } = state;
  const { first, last, height, offset } = state.window.value;
  const version = source.version.value;
  useViewport(state, scroller);
  useLayoutEffect(() => {
    if (state.follows.value) state.toEnd();
  }, [height, state.follows.value, state.viewport.value, state]);
  useEffect(() => {
    if (source.numbers.peek()) state.seen.value ??= state.rows.peek();
  }, [state, version]);
  useEffect(() => {
    if (last >= 0) source.want(first, last);
  }, [source, first, last, version]);
  const selected = state.selected.value;
  const isDrawn = selected !== null && selected.index >= first && selected.index <= last;
  const rows = [];
  for (let index = first; index <= last; index += 1) {
    rows.push(<Row key={index} state={state} index={index} top={offset + (index - first) * ROW_PX} ofOneAsset={ofOneAsset} />);
  }
  return (
    <div class={ofOneAsset ? "lines oneasset" : "lines"}>
      <div
        ref={scroller}
        class="scroll"
        role="grid"
        aria-label="Log lines"
        aria-rowcount={state.rows.value}
        aria-readonly="true"
        tabIndex={0}
        onScroll={() => state.scrolled()}
        onKeyDown={(event) => onKey(state, event)}
        {...(isDrawn ? { "aria-activedescendant": rowId(selected.index) } : {})}
      >
        <div role="rowgroup" class="spacer" style={{ height: `${height}px` }}>
          {rows}
        </div>
      </div>
      {state.unseen.value > 0 && (
        <button type="button" class="newpill" onClick={() => state.follow()}>
          <Icon name="descending" />
          {count(state.unseen.value)} new
        </button>
      )}
    </div>
  );
}

const rowId = (index: number): string => `line-${index}`;

function useViewport(state: ListState, scroller: { current: HTMLElement | null }): void {
  useLayoutEffect(() => {
    const element = scroller.current!;
    state.element = element;
    const measure = (): void => {
      state.viewport.value = element.clientHeight;
      state.scrollTop.value = element.scrollTop;
    };
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    measure();
    return () => observer.disconnect();
  }, [state]);
}

function onKey(state: ListState, event: KeyboardEvent): void {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target !== event.currentTarget) return;
  const page = state.window.peek().fitting;
  const moves: Record<string, () => void> = {
    ArrowDown: () => state.move(1),
    ArrowUp: () => state.move(-1),
    PageDown: () => state.move(page),
    PageUp: () => state.move(-page),
    Home: () => state.selectAt({ index: 0, position: state.source.line(0)?.position ?? 0 }),
    Enter: () => {
      if (state.selected.peek()) state.isOpen.value = true;
    },
  };
  const move = moves[event.key];
  if (!move) return;
  event.preventDefault();
  move();
}

interface RowProps {
  readonly state: ListState;
  readonly index: number;
  readonly top: number;
  readonly ofOneAsset: boolean;
}

function Row({ state, index, top, ofOneAsset }: RowProps) {
  const line = state.source.line(index);
  const isSelected = state.selected.value?.index === index;
  const level = line ? levelClass(line.level) : "";
  const select = (): void => state.select(index);
  const open = (): void => {
    getSelection()?.removeAllRanges(); // a double click selects a word
    state.isOpen.value = true;
  };
  return (
    <div
      id={rowId(index)}
      role="row"
      aria-rowindex={index + 1}
      aria-selected={isSelected}
      class={`log ${level} ${isSelected ? "sel" : ""}`}
      style={{ top: `${top}px` }}
      onClick={select}
      onDblClick={open}
    >
      {line ? <Cells line={line} search={state.source.filters.text} ofOneAsset={ofOneAsset} /> : <span role="gridcell" class="faint">…</span>}
    </div>
  );
}

function Cells({ line, search, ofOneAsset }: { line: LogLine; search: string; ofOneAsset: boolean }) {
  const why = reason(line);
  const time = timeText(line);
  return (
    <>
      <time role="gridcell" dateTime={line.time}>
        {time.slice(0, 8)}
        <span class="ms">{time.slice(8)}</span>
      </time>
      <Level level={line.level} />
      {!ofOneAsset && (
        <span role="gridcell" class="cut">
          {line.asset ? (
            <a href={link(assetPath(line.asset))} tabIndex={-1}>
              {line.asset}
            </a>
          ) : (
            <span class="faint">task</span>
          )}
        </span>
      )}
      <span role="gridcell" class="cut" title={ofOneAsset ? line.message.slice(0, SHOWN_CHARS) : undefined}>
        <Marked text={line.message} search={search} />
        {why && (
          <span class="muted">
            : <Marked text={why} search={search} />
          </span>
        )}
      </span>
      <Fields line={line} search={search} />
    </>
  );
}

/** The level as its word, and an icon where something is wrong. */
export function Level({ level, role = "gridcell" }: { level: string; role?: "gridcell" | "presentation" }) {
  const word = capital(level);
  const look = levelClass(level);
  if (look === "error" || look === "warning") {
    return (
      <span role={role} class={`st st-${look === "error" ? "failed" : "warn"}`}>
        <Icon name={look === "error" ? "failed" : "warn"} />
        {word}
      </span>
    );
  }
  return (
    <span role={role} class="faint plain">
      {word}
    </span>
  );
}

function levelClass(level: string): "error" | "warning" | "info" | "debug" {
  if (level === "error" || level === "critical") return "error";
  return level === "warning" || level === "debug" ? level : "info";
}

function Fields({ line, search }: { line: LogLine; search: string }) {
  const wanted = fieldSearch(search);
  return (
    <span role="gridcell" class="f cut">
      {ownFields(line)
        .slice(0, SHOWN_FIELDS)
        .map(([key, value]) => {
          const text = valueText(value).slice(0, SHOWN_CHARS);
          const isFound = wanted?.field === key.toLowerCase() && wanted.value === text.toLowerCase();
          return (
            <span key={key}>
              {key}=<b>{isFound ? <mark>{text}</mark> : text}</b>{" "}
            </span>
          );
        })}
    </span>
  );
}

/** A text with what a search found in it. */
function Marked({ text, search }: { text: string; search: string }) {
  const shown = text.length > SHOWN_CHARS ? `${text.slice(0, SHOWN_CHARS)}…` : text;
  return <>{parts(shown, search).map((part, index) => (part.found ? <mark key={index}>{part.text}</mark> : part.text))}</>;
}
