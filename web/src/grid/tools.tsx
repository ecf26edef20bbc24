/** The bar above a grid: what is filtered and sorted, how many rows are left, and what can be done with them. */
import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { useKeys } from "../keys";
import { count } from "../parts/format";
import { Icon } from "../parts/icon";
import { setQuery } from "../router";
import { conditionOf, hasValue, signOf } from "./conditions";
import { FilterForm } from "./filter_form";
import { downloadAddress, FORMATS, type GridColumn, type GridSource, type Wanted } from "./source";
import { keysNow, setFilters, setSort } from "./use_grid";

interface ToolsProps {
  readonly source: GridSource;
  readonly wanted: Wanted;
  readonly columns: readonly GridColumn[];
  readonly total: number;
  readonly matching: number;
  readonly paged: boolean;
  readonly column: number;
  readonly copy: () => void;
}

export function GridTools({ source, wanted, columns, total, matching, paged, column, copy }: ToolsProps) {
  const [adding, add] = useState(false);
  useKeys({ "/": () => (columns.length > 0 && !source.besideSearch ? add(true) : false) });
  return (
    <div class="tools gridtools">
      <Chips wanted={wanted} columns={columns} />
      <button type="button" class="btn quiet small" aria-expanded={adding} onClick={() => add(!adding)}>
        Filter {!source.besideSearch && <kbd>/</kbd>}
      </button>
      {adding && <FilterForm columns={columns} first={column} close={() => add(false)} />}
      <span class="muted" role="status">
        {wanted.filters.length > 0 ? (
          <>
            <b class="strong">{count(matching)}</b> of {count(total)} rows
          </>
        ) : (
          <>
            <b class="strong">{count(total)}</b> {total === 1 ? "row" : "rows"}
          </>
        )}
      </span>
      <span class="grow" />
      <span class="seg small" role="group" aria-label="Form">
        <button type="button" aria-pressed={!paged} onClick={() => setQuery({ rows: null, page: null })}>
          Grid
        </button>
        <button type="button" aria-pressed={paged} onClick={() => setQuery({ rows: "pages" })}>
          Pages
        </button>
      </span>
      {!paged && (
        <button type="button" class="btn small copy" onClick={copy}>
          Copy <kbd>Ctrl C</kbd>
        </button>
      )}
      <Download source={source} wanted={wanted} />
    </div>
  );
}

function Chips({ wanted, columns }: { wanted: Wanted; columns: readonly GridColumn[] }) {
  const names = columns.map((column) => column.name);
  const keys = keysNow(names);
  const without = <T,>(all: readonly T[], place: number): T[] => all.filter((_, index) => index !== place);
  return (
    <>
      {wanted.filters.map((text, place) => (
        <Chip key={`f${text}`} what={text} drop={() => setFilters(without(wanted.filters, place))}>
          <FilterText text={text} names={names} />
        </Chip>
      ))}
      {keys.map((key, place) => (
        <Chip key={`s${key.column}`} what={`sort by ${key.column}`} drop={() => setSort(without(keys, place))}>
          <Icon name={key.direction} />
          <b class="cut">{key.column}</b>
          <span class="vh">{key.direction}</span>
        </Chip>
      ))}
    </>
  );
}

function FilterText({ text, names }: { text: string; names: readonly string[] }) {
  const condition = conditionOf(text, names);
  if (!condition) return <b class="cut">{text}</b>;
  return (
    <span class="cut">
      {condition.column} <b>{signOf(condition.operator)} </b>
      {hasValue(condition.operator) && (condition.value === "" ? <span class="empty">empty text</span> : <b>{condition.value}</b>)}
    </span>
  );
}

function Chip({ what, drop, children }: { what: string; drop: () => void; children: ComponentChildren }) {
  return (
    <span class="chip filter on">
      {children}
      <button type="button" title="Remove" aria-label={`Remove ${what}`} onClick={drop}>
        <Icon name="close" />
      </button>
    </span>
  );
}

function Download({ source, wanted }: { source: GridSource; wanted: Wanted }) {
  const [open, show] = useState(false);
  const box = useRef<HTMLSpanElement>(null);
  useEffect(() => {
    if (!open) return;
    box.current?.querySelector("a")?.focus();
    const leave = (event: Event): void => {
      if (!box.current?.contains(event.target as Node)) show(false);
    };
    document.addEventListener("pointerdown", leave);
    return () => document.removeEventListener("pointerdown", leave);
  }, [open]);
  useKeys({ Escape: () => (open ? show(false) : false) });
  return (
    <span class="anchor" ref={box}>
      <button type="button" class="btn small" aria-expanded={open} onClick={() => show(!open)}>
        Download
        <Icon name="down" />
      </button>
      {open && (
        <ul class="dialog menu" aria-label="Formats">
          {FORMATS.map(([format, word]) => (
            <li key={format}>
              <a href={downloadAddress(source, wanted, format)} download onClick={() => show(false)}>
                {word}
              </a>
            </li>
          ))}
        </ul>
      )}
    </span>
  );
}
