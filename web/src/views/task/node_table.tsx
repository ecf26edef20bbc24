/** The nodes of a task as a table whose last column is the timeline. */
import { computed } from "@preact/signals";
import type { ComponentChildren, CSSProperties, RefObject } from "preact";
import { useRef } from "preact/hooks";
import { useKeys } from "../../keys";
import { FilterChip } from "../../parts/filter_chip";
import { count, counted, duration } from "../../parts/format";
import { Gap } from "../../parts/gap";
import { Icon } from "../../parts/icon";
import { type Look, LOOKS, lookOf, State } from "../../parts/look";
import { ROW_PX, useInSight, useWindow } from "../../parts/windowed";
import { assetPath, go, here, link, param, setQuery } from "../../router";
import { countLooks, type Sort, sorted, sortOf } from "./node_order";
import { NodeRow, rowId } from "./node_row";
import { grows, hasBegun, hasEnded, isStale, path, shownNodes, span } from "./shown_task";
import { tickLabel, ticks } from "./timeline";
import { WHAT_IF_PX, WhatIf } from "./what_if";

const HEAD_PX = 44;
/** Rows that stay in sight however much stands above and below. */
const ROWS_AT_LEAST = 4;

const looks = computed(() => countLooks(shownNodes.value));
const wantedLooks = computed<readonly string[]>(() => param("state").split(",").filter(Boolean));
const sort = computed(() => sortOf(param("sort")));

const listed = computed<readonly string[]>(() => {
  const wanted = wantedLooks.value;
  const found = wanted.length === 0 ? shownNodes.value : shownNodes.value.filter((node) => wanted.includes(lookOf(node.state, node.message)));
  return sorted(found, sort.value).map((node) => node.assetName);
});

export function NodeTable() {
  useNodeKeys();
  const withWhatIf = hasEnded.value && hasBegun.value;
  const least = HEAD_PX + (withWhatIf ? WHAT_IF_PX : 0) + ROW_PX * (1 + Math.min(ROWS_AT_LEAST, listed.value.length));
  return (
    <section class={isStale.value ? "card nodes stale" : "card nodes"} aria-label="Nodes" style={{ minHeight: `${least}px` }}>
      <Head />
      {withWhatIf && <WhatIf />}
      <Scrolled />
    </section>
  );
}

function useNodeKeys(): void {
  const step = (by: number) => () => {
    const names = listed.peek();
    const found = names.indexOf(param("asset"));
    const now = found < 0 && by < 0 ? names.length : found;
    const next = names[Math.min(names.length - 1, Math.max(0, now + by))];
    if (next !== undefined) setQuery({ asset: next }, { replace: true });
  };
  useKeys({
    ArrowDown: step(1),
    ArrowUp: step(-1),
    PageDown: step(20),
    PageUp: step(-20),
    Home: step(-Infinity),
    End: step(Infinity),
    f: () => toggle("failed"),
    Enter: (event) => {
      const onControl = event.target instanceof Element && event.target.closest("a, button, select");
      if (onControl || !param("asset")) return false;
      return go(link(assetPath(param("asset"))));
    },
  });
}

function toggle(look: Look): void {
  const wanted = wantedLooks.peek();
  const changed = wanted.includes(look) ? wanted.filter((one) => one !== look) : [...wanted, look];
  setQuery({ state: changed.join(",") || null });
}

function Head() {
  const shown = listed.value.length;
  const all = shownNodes.value.length;
  return (
    <header>
      <h2>{shown === all ? counted(all, "node") : `${count(shown)} of ${counted(all, "node")}`}</h2>
      <span class="muted sm">{ORDERS[sort.value.by]}</span>
      {LOOKS.map((look) => (
        <Chip key={look} look={look} />
      ))}
      {shown < all && <span class="muted sm">{count(all - shown)} hidden by the filter</span>}
      <span class="grow" />
      <Legend />
    </header>
  );
}

const ORDERS: Record<Sort, string> = {
  start: "in order of start",
  state: "by state",
  name: "by name",
  tests: "by tests",
  rows: "by rows",
  queued: "by wait for a worker",
  executing: "by execution",
  testing: "by tests' time",
};

function Chip({ look }: { look: Look }) {
  const number = looks.value.get(look) ?? 0;
  const on = wantedLooks.value.includes(look);
  if (number === 0 && !on) return null;
  return (
    <FilterChip isOn={on} toggle={() => toggle(look)}>
      <State look={look} /> <b>{count(number)}</b>
      {on && <Icon name="close" />}
    </FilterChip>
  );
}

function Legend() {
  const critical = path.value;
  return (
    <span class="legend xs muted" role="note" aria-label="Legend of the timeline">
      <Sample kind="w">waits for upstreams</Sample>
      <Sample kind="q">for a worker</Sample>
      <Sample kind="e">executes</Sample>
      <Sample kind="t">tests</Sample>
      {critical && <Sample kind="cp">critical path {grows.value ? "so far" : duration(critical.end)}</Sample>}
    </span>
  );
}

function Sample({ kind, children }: { kind: string; children: ComponentChildren }) {
  return (
    <span>
      <span class="wf">
        <i class={kind} />
      </span>
      {children}
    </span>
  );
}

function Scrolled() {
  const container = useRef<HTMLDivElement>(null);
  const names = listed.value;
  const selected = param("asset");
  const { from, to } = useWindow(container, names.length);
  useInSight(container, names.indexOf(selected));
  const inSight = names.slice(from, to);
  return (
    <div class="scroll" ref={container}>
      <table
        class="table fixed"
        role="grid"
        aria-label="Nodes and their timeline"
        aria-rowcount={names.length + 1}
        tabIndex={0}
        {...(inSight.includes(selected) ? { "aria-activedescendant": rowId(selected) } : {})}
        style={{ "--span": Math.max(1, span.value) } as CSSProperties}
      >
        <colgroup>
          {["state", "asset", "tests", "rows", "ms wide", "ms", "ms", ""].map((kind, index) => (
            <col key={index} class={kind} />
          ))}
        </colgroup>
        <thead>
          <Titles container={container} />
        </thead>
        <tbody>
          <Gap rows={from} />
          {inSight.map((name, index) => (
            <NodeRow key={name} name={name} row={from + index + 2} selected={name === selected} />
          ))}
          <Gap rows={names.length - to} />
        </tbody>
      </table>
      {names.length === 0 && shownNodes.value.length > 0 && (
        <p class="block muted">
          No node is in this state.{" "}
          <a href={here({ state: null })}>Show all {count(shownNodes.value.length)}</a>
        </p>
      )}
    </div>
  );
}

function Titles({ container }: { container: RefObject<HTMLElement | null> }) {
  return (
    <tr aria-rowindex={1}>
      <Title by="state" container={container}>State</Title>
      <Title by="name" container={container}>Asset</Title>
      <Title by="tests" container={container} first="-" class="num">Tests</Title>
      <Title by="rows" container={container} first="-" class="num">Rows</Title>
      <Title by="queued" container={container} first="-" class="num wide">Queue ms</Title>
      <Title by="executing" container={container} first="-" class="num">Exec ms</Title>
      <Title by="testing" container={container} first="-" class="num">Test ms</Title>
      <th class="time" scope="col" aria-sort={sort.value.by === "start" ? (sort.value.descending ? "descending" : "ascending") : "none"}>
        <button type="button" class="sort" onClick={() => sortBy("start", "", container)}>
          <span class="vh">Timeline, in order of start</span>
          {hasBegun.value && <span class="tk" aria-hidden="true">0</span>}
        </button>
        {ticks(span.value).map((ms) => (
          <span key={ms} class="tk" style={{ "--at": ms } as CSSProperties}>
            {tickLabel(ms, span.value)}
          </span>
        ))}
      </th>
    </tr>
  );
}

interface TitleProps {
  readonly by: Sort;
  readonly container: RefObject<HTMLElement | null>;
  readonly first?: "" | "-";
  readonly class?: string;
  readonly children: string;
}

function Title({ by, container, first = "", class: kind = "", children }: TitleProps) {
  const now = sort.value;
  const sorts = now.by === by;
  return (
    <th class={kind} scope="col" aria-sort={sorts ? (now.descending ? "descending" : "ascending") : "none"}>
      <button type="button" class="sort" onClick={() => sortBy(by, first, container)}>
        {children}
        {sorts && <Icon name={now.descending ? "descending" : "ascending"} />}
      </button>
    </th>
  );
}

/** Sort by a column, first in the order that asks the usual question; again turns it around, a third time ends it. */
function sortBy(by: Sort, first: "" | "-", container: RefObject<HTMLElement | null>): void {
  const other = first === "" ? "-" : "";
  const now = param("sort");
  const next = now === first + by ? other + by : now === other + by ? null : first + by;
  setQuery({ sort: by === "start" && next !== "-start" ? null : next });
  container.current?.scrollTo({ top: 0 });
}
