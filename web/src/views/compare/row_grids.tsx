/** The rows that differ, as the grids of both tasks side by side, row beside row, with the cells that changed marked. */
import type { RefObject } from "preact";
import { useMemo, useRef } from "preact/hooks";
import { asking } from "../../api";
import { isNumeric, widthOf } from "../../grid/cells";
import { Value } from "../../grid/value";
import { useFetched } from "../../parts/fetched";
import { FilterChip } from "../../parts/filter_chip";
import { count, counted } from "../../parts/format";
import { Gap } from "../../parts/gap";
import { Icon } from "../../parts/icon";
import { type Rows, useWindow } from "../../parts/windowed";
import { here, param, setQuery } from "../../router";
import type { Comparison } from "./comparison";
import { BECAME, CHANGES, changesFirst, PAGE_ROWS, type RowChange, type RowPair, type RowPairs } from "./row_pairs";

const STATE_PX = 104;

interface Props {
  readonly name: string;
  readonly compared: Comparison;
}

export function RowGrids({ name, compared: { from, to } }: Props) {
  const change = CHANGES.find((one) => one === param("change")) ?? null;
  const offset = Math.max(0, Number.parseInt(param("at"), 10) || 0);
  const query = { asset: name, from: from.taskId, to: to.taskId, change, offset, limit: PAGE_ROWS };
  const { value, error } = useFetched<RowPairs>(asking("/api/compare/rows", query), to.attempt);
  const found = useMemo(() => value && changesFirst(value), [value]);
  if (error) return <p class="muted">{error}</p>;
  return (
    <section class="card rowgrids" aria-label={`Rows of ${name} that differ`} aria-busy={!value}>
      <header>
        <h2>Rows that differ</h2>
        {value && <Tools found={value} change={change} offset={offset} />}
      </header>
      {found && <Grids key={`${change} ${offset}`} found={found} titles={{ from: from.taskId, to: to.taskId }} />}
    </section>
  );
}

function Tools({ found, change, offset }: { found: RowPairs; change: RowChange | null; offset: number }) {
  const { difference, matchingRecords: all, rows, leftOut } = found;
  const turn = (to: number) => here({ at: to || null });
  return (
    <>
      <span class="muted sm">{difference.key ? `by ${difference.key.join(", ")}` : "by all their values"}</span>
      {CHANGES.filter((one) => difference[one]).map((one) => (
        <FilterChip key={one} isOn={change === one} toggle={() => setQuery({ change: change === one ? null : one, at: null })}>
          <Became change={one} />
          <b>{count(difference[one]!)}</b>
        </FilterChip>
      ))}
      {leftOut.length > 0 && (
        <span class="muted sm cut" title={leftOut.join(", ")}>
          not compared, in one task only or of another type: {leftOut.join(", ")}
        </span>
      )}
      <span class="grow" />
      {all > 0 && (
        <span class="muted sm">
          {count(offset + 1)} – {count(offset + rows.length)} of {count(all)}
        </span>
      )}
      {offset > 0 && (
        <a class="btn quiet" href={turn(Math.max(0, offset - PAGE_ROWS))}>
          Previous {PAGE_ROWS}
        </a>
      )}
      {offset + rows.length < all && (
        <a class="btn quiet" href={turn(offset + PAGE_ROWS)}>
          Next {counted(Math.min(PAGE_ROWS, all - offset - rows.length), "row")}
        </a>
      )}
    </>
  );
}

function Became({ change }: { change: RowChange }) {
  const { word, icon, look } = BECAME[change];
  return (
    <span class={`st st-${look}`}>
      <Icon name={icon} />
      {word}
    </span>
  );
}

type Side = "from" | "to";
const WORDS: Record<Side, string> = { from: "Before", to: "Now" };

/** Both grids scroll together. */
function Grids({ found, titles }: { found: RowPairs; titles: Readonly<Record<Side, string>> }) {
  const boxes = { from: useRef<HTMLDivElement>(null), to: useRef<HTMLDivElement>(null) };
  const shown = useWindow(boxes.from, found.rows.length);
  const widths = useMemo(() => widthsOf(found), [found]);
  const follow = (side: Side) => (event: Event) => {
    const other = boxes[side === "from" ? "to" : "from"].current!;
    const { scrollTop, scrollLeft } = event.currentTarget as HTMLElement;
    if (other.scrollTop !== scrollTop) other.scrollTop = scrollTop;
    if (other.scrollLeft !== scrollLeft) other.scrollLeft = scrollLeft;
  };
  return (
    <div class="gridpair">
      {(["from", "to"] as const).map((side) => (
        <Grid key={side} side={side} found={found} widths={widths} shown={shown} box={boxes[side]} title={titles[side]} onScroll={follow(side)} />
      ))}
    </div>
  );
}

/** A width for each column, the same in both grids. */
function widthsOf({ columns, rows }: RowPairs): number[] {
  const sample = rows.slice(0, 60).flatMap(({ from: old, to: now }) => [old ?? [], now ?? []].filter((row) => row.length > 0));
  return columns.map((column, place) => widthOf(column, place, sample));
}

interface GridProps {
  readonly side: Side;
  readonly found: RowPairs;
  readonly widths: readonly number[];
  readonly shown: Rows;
  readonly box: RefObject<HTMLDivElement | null>;
  readonly title: string;
  readonly onScroll: (event: Event) => void;
}

function Grid({ side, found: { columns, rows }, widths, shown: { from, to }, box, title, onScroll }: GridProps) {
  const label = `${WORDS[side]}: ${title}`;
  const total = STATE_PX + widths.reduce((sum, width) => sum + width, 0);
  return (
    <div class="col">
      <h3 class="cut">{label}</h3>
      <div class="scroll rowsbox" ref={box} onScroll={onScroll} tabIndex={0} role="group" aria-label={label}>
        <table class="table fixed rowpair" style={{ width: `${total}px` }} aria-label={label} aria-rowcount={rows.length + 1}>
          <colgroup>
            <col style={{ width: `${STATE_PX}px` }} />
            {widths.map((width, place) => (
              <col key={place} style={{ width: `${width}px` }} />
            ))}
          </colgroup>
          <thead>
            <tr>
              <th scope="col">Row</th>
              {columns.map((column) => (
                <th key={column.name} scope="col" class={isNumeric(column) ? "num" : ""} title={column.type}>
                  {column.name}
                  {column.key && <span class="faint"> · key</span>}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            <Gap rows={from} />
            {rows.slice(from, to).map((pair, index) => (
              <Row key={from + index} pair={pair} side={side} columns={columns} place={from + index + 2} />
            ))}
            <Gap rows={rows.length - to} />
          </tbody>
        </table>
      </div>
    </div>
  );
}

function Row({ pair, side, columns, place }: { pair: RowPair; side: Side; columns: RowPairs["columns"]; place: number }) {
  const row = pair[side];
  const mark = side === "from" ? "was" : "became";
  return (
    <tr aria-rowindex={place} class={row && pair.change !== "changed" ? mark : ""}>
      <td>
        {row ? <Became change={pair.change} /> : <span class="faint">not there</span>}
        {row && pair.times && <span class="faint"> {count(pair.times)}×</span>}
      </td>
      {columns.map((column, at) => {
        const differs = pair.cells.includes(at);
        return (
          <td key={column.name} class={`mono${isNumeric(column) ? " num" : ""}${differs ? ` ${mark}` : ""}`}>
            {differs && <span class="vh">changed: </span>}
            {row && <Value value={row[at]} />}
          </td>
        );
      })}
    </tr>
  );
}
