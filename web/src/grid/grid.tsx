/**
 * Rows as a grid: any number of them, of which only those in sight are fetched and in the document. Filters, sort and
 * the selected cell are in the URL.
 */
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import "./grid.css";
import { useFetched } from "../parts/fetched";
import { count } from "../parts/format";
import { Icon } from "../parts/icon";
import { go, param, setQuery } from "../router";
import { Body, cellId } from "./body";
import { CellDialog } from "./cell_dialog";
import { tsvOf, widthOf } from "./cells";
import { sortedBy } from "./conditions";
import { GridFoot } from "./foot";
import { Head } from "./head";
import { PagedRows } from "./paged_rows";
import type { RowPages } from "./row_pages";
import { ROW_PX, scrollFor, shownAt } from "./scrolling";
import { summaryAddress, type GridColumn, type GridSource, type SummaryAnswer, type Wanted } from "./source";
import { GridTools } from "./tools";
import { clearWanted, keysNow, placeNow, saidOf, setSort, useRowPages, wantedNow, type Place } from "./use_grid";

const MOST_COPIED = 10_000;
const SETTLED_MS = 250;

export function Grid({ source }: { source: GridSource }) {
  const wanted = wantedNow();
  const { pages, busy } = useRowPages(source, wanted);
  if (!pages) return <div class="gridview" />;
  if (pages.error && !pages.head) return <Refused error={pages.error} wanted={wanted} />;
  if (!pages.head?.columns) return <p class="block muted">{source.whyNone ?? "There are no rows."}</p>;
  return <Filled source={source} wanted={wanted} pages={pages} busy={busy} columns={pages.head.columns} />;
}

function Refused({ error, wanted }: { error: unknown; wanted: Wanted }) {
  const asks = wanted.filters.length > 0 || wanted.sort !== "";
  return (
    <div class="block">
      <div class="alert warn" role="alert">
        <p class="refusal">{saidOf(error)}</p>
        {asks && (
          <button type="button" class="btn small" onClick={clearWanted}>
            Remove all filters and sorting
          </button>
        )}
      </div>
    </div>
  );
}

interface FilledProps {
  readonly source: GridSource;
  readonly wanted: Wanted;
  readonly pages: RowPages;
  readonly busy: boolean;
  readonly columns: readonly GridColumn[];
}

function Filled({ source, wanted, pages, busy, columns }: FilledProps) {
  const rows = pages.head!.matchingRecords;
  const paged = param("rows") === "pages";
  const [cell, setCell] = useState<Place | null>(placeNow);
  const [anchor, setAnchor] = useState<Place | null>(null);
  const [open, show] = useState(false);
  const [said, say] = useState("");
  const { value: summary } = useFetched<SummaryAnswer>(paged ? "" : summaryAddress(source, wanted), source.version);
  useCellInUrl(cell, setCell, setAnchor);
  const here = cell && cell.row < rows && cell.column < columns.length ? cell : null;
  const copy = (): void => {
    const from = here ?? { row: 0, column: 0 };
    void copied(pages, from, anchor ?? from).then(say, (error: unknown) => say(saidOf(error)));
    setTimeout(() => say(""), 3_000);
  };
  const row = here && pages.row(here.row);
  const trace = row && source.traceOf?.(columns, row);
  return (
    <div class="gridview">
      <GridTools
        source={source}
        wanted={wanted}
        columns={columns}
        total={pages.head!.totalRecords}
        matching={rows}
        paged={paged}
        column={here?.column ?? 0}
        copy={copy}
      />
      {rows === 0 ? (
        <NoRows wanted={wanted} total={pages.head!.totalRecords} columns={columns} />
      ) : paged ? (
        <PagedRows source={source} wanted={wanted} matching={rows} />
      ) : (
        <Scrolled
          source={source}
          wanted={wanted}
          pages={pages}
          busy={busy}
          columns={columns}
          rows={rows}
          summary={summary}
          cell={here}
          anchor={anchor}
          select={(place, from) => {
            setCell(place);
            setAnchor(from);
          }}
          open={() => show(true)}
          trace={() => trace && go(trace)}
          copy={copy}
        />
      )}
      {open && here && !paged && (
        <CellDialog columns={columns} row={pages.row(here.row)} place={here} rows={rows} trace={trace} copy={copy} close={() => show(false)} />
      )}
      {!paged && <GridFoot rows={rows} place={here} said={said} traces={source.traceOf !== undefined} goTo={(row) => setCell({ row, column: here?.column ?? 0 })} />}
    </div>
  );
}

/** The selected cell follows the URL, and the URL follows it once it has settled: each step is no entry for Back. */
function useCellInUrl(cell: Place | null, setCell: (place: Place | null) => void, setAnchor: (place: Place | null) => void): void {
  const text = cell ? `${cell.row}:${cell.column}` : "";
  const inUrl = param("cell");
  const written = useRef(inUrl);
  useEffect(() => {
    if (inUrl === written.current) return;
    written.current = inUrl;
    setCell(placeNow());
    setAnchor(null);
  }, [inUrl]);
  useEffect(() => {
    if (text === written.current) return;
    const timer = setTimeout(() => {
      written.current = text;
      setQuery({ cell: text || null }, { replace: true });
    }, SETTLED_MS);
    return () => clearTimeout(timer);
  }, [text]);
}

async function copied(pages: RowPages, one: Place, other: Place): Promise<string> {
  const [top, bottom] = [Math.min(one.row, other.row), Math.max(one.row, other.row)];
  const [left, right] = [Math.min(one.column, other.column), Math.max(one.column, other.column)];
  if (bottom - top >= MOST_COPIED) return `At most ${count(MOST_COPIED)} rows can be copied: download them instead`;
  let rows = Array.from({ length: bottom - top + 1 }, (_, index) => pages.row(top + index));
  if (rows.some((row) => row === undefined)) rows = [...(await pages.rows(top, bottom + 1))];
  await navigator.clipboard.writeText(tsvOf(rows.map((row) => row!.slice(left, right + 1))));
  const cells = rows.length * (right - left + 1);
  return cells === 1 ? "Copied the cell" : `Copied ${count(cells)} cells`;
}

function NoRows({ wanted, total, columns }: { wanted: Wanted; total: number; columns: readonly GridColumn[] }) {
  const names = columns.map((column) => column.name).join(", ");
  return (
    <div class="block norowsatall">
      {wanted.filters.length > 0 ? (
        <>
          <p>
            <b class="strong">0 of {count(total)} rows</b> fulfil {wanted.filters.length === 1 ? "the filter" : "all filters"}.
          </p>
          <p>
            <button type="button" class="btn" onClick={clearWanted}>
              <Icon name="close" />
              Remove all filters
            </button>
          </p>
        </>
      ) : (
        <p>
          <b class="strong">0 rows</b>: the result is there and has no rows. Its columns: <span class="mono">{names}</span>
        </p>
      )}
    </div>
  );
}

interface ScrolledProps {
  readonly source: GridSource;
  readonly wanted: Wanted;
  readonly pages: RowPages;
  /** These rows are those before a change. */
  readonly busy: boolean;
  readonly columns: readonly GridColumn[];
  readonly rows: number;
  readonly summary: SummaryAnswer | null | undefined;
  readonly cell: Place | null;
  readonly anchor: Place | null;
  readonly select: (place: Place, anchor: Place | null) => void;
  readonly open: () => void;
  /** Show where the selected row comes from and goes to. */
  readonly trace: () => void;
  readonly copy: () => void;
}

function Scrolled({ source, wanted, pages, busy, columns, rows, summary, cell, anchor, select, open, trace, copy }: ScrolledProps) {
  const box = useRef<HTMLDivElement>(null);
  const head = useRef(114);
  const [view, look] = useState({ top: 0, room: 480 });
  const widths = useWidths(columns, pages);
  useLayoutEffect(() => {
    const element = box.current!;
    const measure = (): void => {
      head.current = element.querySelector("thead")?.offsetHeight ?? 114;
      look({ top: element.scrollTop, room: Math.max(ROW_PX, element.clientHeight - head.current) });
    };
    measure();
    element.addEventListener("scroll", measure, { passive: true });
    const sizes = new ResizeObserver(measure);
    sizes.observe(element);
    return () => {
      element.removeEventListener("scroll", measure);
      sizes.disconnect();
    };
  }, [rows]);
  const order = [wanted.sort, ...wanted.filters].join("\n");
  const shownOrder = useRef(order);
  useLayoutEffect(() => {
    if (shownOrder.current !== order) box.current!.scrollTop = 0;
    shownOrder.current = order;
  }, [order]);
  const shown = shownAt(view.top, rows, view.room);
  useEffect(() => pages.want(shown.from, shown.to), [pages, shown.from, shown.to]);
  useEffect(() => {
    if (cell && box.current) reveal(box.current, cell, rows, head.current);
  }, [cell?.row, cell?.column]);
  const keys = keysNow(columns.map((column) => column.name));
  const sort = (column: number, add: boolean): void => setSort(sortedBy(keys, columns[column]!.name, add));
  const move = (event: KeyboardEvent): void => {
    if (event.target !== event.currentTarget) return;
    const now = cell ?? { row: 0, column: 0 };
    const to = cell || event.ctrlKey || event.metaKey ? moved(now, event, rows, columns.length, Math.max(1, Math.floor(view.room / ROW_PX) - 1)) : isMove(event) ? now : null;
    if (to) select(to, event.shiftKey ? (anchor ?? now) : null);
    else if (event.key === "Enter") open();
    else if (event.key.toLowerCase() === "c" && (event.ctrlKey || event.metaKey)) copy();
    else if (event.key.toLowerCase() === "s" && cell && !event.ctrlKey && !event.metaKey) sort(cell.column, event.shiftKey);
    else if (event.key === "t" && cell && source.traceOf) trace();
    else if (event.key === "g") document.getElementById("go-to-row")?.focus();
    else return;
    event.preventDefault();
  };
  const point = (event: MouseEvent): void => {
    const text = (event.target as Element).closest<HTMLElement>("[data-cell]")?.dataset["cell"];
    if (!text) return;
    const [row, column] = text.split(":").map(Number) as [number, number];
    select({ row, column }, event.shiftKey ? (anchor ?? cell) : null);
    if (event.shiftKey) window.getSelection()?.removeAllRanges();
    if (event.detail === 2) open();
  };
  return (
    <div class="scroll gridbox" ref={box}>
      <table
        class="table grid fixed"
        role="grid"
        tabIndex={0}
        aria-label={source.label}
        aria-busy={busy}
        aria-rowcount={rows + 2}
        aria-colcount={columns.length + 1}
        aria-activedescendant={cell ? cellId(cell) : undefined}
        onKeyDown={move}
        onClick={point}
      >
        <colgroup>
          <col style={{ width: `${Math.max(48, 20 + String(rows).length * 8)}px` }} />
          {widths.map((width, index) => (
            <col key={index} style={{ width: `${width}px` }} />
          ))}
          <col />
        </colgroup>
        <Head columns={columns} keys={keys} summary={summary} />
        <Body columns={columns} pages={pages} shown={shown} cell={cell} anchor={anchor} />
      </table>
    </div>
  );
}

/** Widths stay while the columns do: a filter or a sort moves nothing. */
function useWidths(columns: readonly GridColumn[], pages: RowPages): readonly number[] {
  const kept = useRef({ key: "", widths: [] as readonly number[] });
  const key = columns.map((column) => `${column.name} ${column.type}`).join("\n");
  if (kept.current.key !== key) {
    const rows = pages.head!.rows;
    kept.current = { key, widths: columns.map((column, place) => widthOf(column, place, rows)) };
  }
  return kept.current.widths;
}

function reveal(box: HTMLElement, cell: Place, rows: number, head: number): void {
  const room = Math.max(ROW_PX, box.clientHeight - head);
  const top = scrollFor(cell.row, box.scrollTop, rows, room);
  if (Math.abs(top - box.scrollTop) > 0.5) box.scrollTop = top;
  const heads = box.querySelectorAll<HTMLElement>("thead tr:first-child > *");
  const [number, column] = [heads[0], heads[cell.column + 1]];
  if (!number || !column) return;
  const [left, right] = [column.offsetLeft - number.offsetWidth, column.offsetLeft + column.offsetWidth];
  if (left < box.scrollLeft) box.scrollLeft = left;
  else if (right > box.scrollLeft + box.clientWidth) box.scrollLeft = right - box.clientWidth;
}

const MOVES = ["ArrowUp", "ArrowDown", "ArrowLeft", "ArrowRight", "PageUp", "PageDown", "Home", "End"];
const isMove = (event: KeyboardEvent): boolean => MOVES.includes(event.key);

/** The cell after a key; null for keys that do not move. */
function moved({ row, column }: Place, event: KeyboardEvent, rows: number, columns: number, page: number): Place | null {
  const far = event.ctrlKey || event.metaKey;
  const at = (toRow: number, toColumn: number): Place => ({
    row: Math.min(rows - 1, Math.max(0, toRow)),
    column: Math.min(columns - 1, Math.max(0, toColumn)),
  });
  switch (event.key) {
    case "ArrowUp":
      return at(far ? 0 : row - 1, column);
    case "ArrowDown":
      return at(far ? rows - 1 : row + 1, column);
    case "ArrowLeft":
      return at(row, far ? 0 : column - 1);
    case "ArrowRight":
      return at(row, far ? columns - 1 : column + 1);
    case "PageUp":
      return at(row - page, column);
    case "PageDown":
      return at(row + page, column);
    case "Home":
      return at(far ? 0 : row, 0);
    case "End":
      return at(far ? rows - 1 : row, columns - 1);
  }
  return null;
}
