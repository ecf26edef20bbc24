/** The list twin of the graph: the same assets, states and stages as rows. */
import type { Signal } from "@preact/signals";
import { useMemo, useRef } from "preact/hooks";
import type { Asset } from "../../api";
import { useKeys } from "../../keys";
import { connection } from "../../live/live";
import { counted } from "../../parts/format";
import { Icon } from "../../parts/icon";
import { Gap } from "../../parts/gap";
import { State } from "../../parts/look";
import { stageOf, withoutStage } from "../../parts/names";
import { bringInSight, ROW_PX, useInSight, useWindow } from "../../parts/windowed";
import { assets, runs, viewOf } from "../../store";
import { countsOfStage, inWords, isHidden, looksVersion } from "./looks";
import { TestBadge, Took } from "./node_card";
import { collapsed, select, selected, shownLooks, toggleStage } from "./place";
import type { Scene } from "./scene";

type Row = { readonly stage: string; readonly size: number } | { readonly asset: Asset };

const idOf = (row: Row): string => ("asset" in row ? row.asset.name : `stage ${row.stage}`);

export function AssetList({ current, only }: { current: Signal<string>; only: Scene | null }) {
  const rows = useRows(only);
  const scroller = useRef<HTMLDivElement>(null);
  const isStale = runs.value && connection.value.state === "offline";
  const at = Math.max(0, rows.findIndex((row) => idOf(row) === current.value));
  useListKeys(rows, at, scroller, current);
  const { from, to } = useWindow(scroller, rows.length);
  useInSight(scroller, rows.findIndex((row) => idOf(row) === selected.value));
  return (
    <div ref={scroller} class={isStale ? "scroll assetlist stale" : "scroll assetlist"}>
      <table class="table fixed" role="treegrid" aria-label="Assets" aria-rowcount={rows.length + 1}>
        <Columns />
        <tbody>
          <Gap rows={from} />
          {rows.slice(from, to).map((row, offset) => (
            <ListRow key={idOf(row)} row={row} index={from + offset} isCurrent={from + offset === at} current={current} />
          ))}
          <Gap rows={rows.length - to} />
        </tbody>
      </table>
      {rows.length === 0 && <p class="block muted">No asset is in the states that the filters show.</p>}
    </div>
  );
}

function Columns() {
  return (
    <thead>
      <tr aria-rowindex={1}>
        <th scope="col">Asset</th>
        <th scope="col" class="state">
          State
        </th>
        <th scope="col" class="num">
          Duration
        </th>
        <th scope="col">Tests</th>
        <th scope="col">Makes</th>
        <th scope="col" class="num">
          Reads
        </th>
        <th scope="col" class="num">
          Read by
        </th>
        <th scope="col" class="about">
          Description
        </th>
      </tr>
    </thead>
  );
}

/** The stages in order, each with its assets unless it is collapsed. */
function useRows(only: Scene | null): readonly Row[] {
  const [known, looks, folded] = [assets.value, shownLooks.value, collapsed.value];
  const version = looks.size > 0 ? looksVersion.value : 0; // without a filter, states do not change which rows there are
  return useMemo(() => {
    const stages = new Map<string, Asset[]>();
    for (const asset of known.values()) {
      if (isHidden(asset.name, looks) || (only && !only.indexOf.has(asset.name))) continue;
      const stage = stageOf(asset.name);
      const members = stages.get(stage);
      if (members) members.push(asset);
      else stages.set(stage, [asset]);
    }
    return [...stages].flatMap(([stage, members]): Row[] => [
      { stage, size: members.length },
      ...(folded.has(stage) ? [] : members.map((asset) => ({ asset }))),
    ]);
  }, [known, looks, [...folded].join(), only, version]);
}

interface RowProps {
  readonly index: number;
  readonly isCurrent: boolean;
  readonly current: Signal<string>;
}

function ListRow({ row, index, isCurrent, current }: RowProps & { row: Row }) {
  const common = {
    "aria-rowindex": index + 2,
    "data-row": idOf(row),
    tabIndex: isCurrent ? 0 : -1,
    onFocus: () => void (current.value = idOf(row)),
  };
  return "asset" in row ? <AssetRow asset={row.asset} common={common} /> : <StageRow {...row} common={common} />;
}

function StageRow({ stage, size, common }: { stage: string; size: number; common: object }) {
  const isCollapsed = collapsed.value.has(stage);
  return (
    <tr {...common} aria-level={1} aria-expanded={!isCollapsed} class="stagerow" onClick={() => toggleStage(stage)}>
      <td role="gridcell">
        <Icon name={isCollapsed ? "right" : "down"} /> {stage}
      </td>
      <td role="gridcell" colSpan={7} class="faint">
        {counted(size, "asset")} · {inWords(countsOfStage(stage))}
      </td>
    </tr>
  );
}

function AssetRow({ asset, common }: { asset: Asset; common: object }) {
  const view = viewOf(asset);
  const isSelected = selected.value === asset.name;
  return (
    <tr {...common} aria-level={2} aria-selected={isSelected} class={isSelected ? "sel" : ""} onClick={() => select(asset.name)}>
      <td role="gridcell" title={asset.name} class="name">
        {withoutStage(asset.name)}
      </td>
      <td role="gridcell">
        <State look={view.look} word={view.word} />
      </td>
      <td role="gridcell" class="num">
        <Took view={view} />
      </td>
      <td role="gridcell">
        <TestBadge view={view} />
      </td>
      <td role="gridcell">{asset.materialization}</td>
      <td role="gridcell" class="num">
        {asset.upstreams.length}
      </td>
      <td role="gridcell" class="num">
        {asset.downstreams.length}
      </td>
      <td role="gridcell" class="muted" title={asset.description}>
        {asset.description}
      </td>
    </tr>
  );
}

function useListKeys(rows: readonly Row[], at: number, scroller: { current: HTMLElement | null }, current: Signal<string>): void {
  const goTo = (index: number): void | false => {
    const row = rows[Math.max(0, Math.min(rows.length - 1, index))];
    const element = scroller.current;
    if (!row || !element || !(element.contains(document.activeElement) || document.activeElement === document.body)) return false;
    current.value = idOf(row);
    bringInSight(element, rows.indexOf(row));
    requestAnimationFrame(() => element.querySelector<HTMLElement>(`[data-row="${CSS.escape(idOf(row))}"]`)?.focus({ preventScroll: true }));
    if (selected.value && "asset" in row) select(row.asset.name, true);
  };
  const page = (): number => Math.max(1, Math.floor((scroller.current?.clientHeight ?? ROW_PX) / ROW_PX) - 2);
  const onRow = (act: (row: Row) => void) => (): void | false => {
    const row = rows[at];
    if (!row || !scroller.current?.contains(document.activeElement)) return false;
    act(row);
  };
  const fold = (isOpen: boolean) =>
    onRow((row) => {
      const stage = "asset" in row ? stageOf(row.asset.name) : row.stage;
      if ("asset" in row) goTo(rows.findIndex((one) => "stage" in one && one.stage === stage));
      else if (collapsed.value.has(stage) === isOpen) toggleStage(stage);
    });
  useKeys({
    ArrowUp: () => goTo(at - 1),
    ArrowDown: () => goTo(at + 1),
    PageUp: () => goTo(at - page()),
    PageDown: () => goTo(at + page()),
    Home: () => goTo(0),
    End: () => goTo(rows.length - 1),
    ArrowLeft: fold(false),
    ArrowRight: fold(true),
    Enter: onRow((row) => ("asset" in row ? select(row.asset.name) : toggleStage(row.stage))),
  });
}
