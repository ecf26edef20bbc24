/** What a grid keeps: its rows, which it fetches, and what the URL says of it. */
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { ApiError } from "../api";
import { place, setQuery } from "../router";
import { conditionText, sortKeys, sortText, type Condition, type SortKey } from "./conditions";
import { RowPages } from "./row_pages";
import { rowsAddress, type GridSource, type Wanted } from "./source";

/** The filters and the sort of the URL. */
export function wantedNow(): Wanted {
  const { query } = place.value;
  return { sort: query.get("sort") ?? "", filters: query.getAll("filter") };
}

const TO_THE_TOP = { cell: null, page: null } as const;

export const setSort = (keys: readonly SortKey[]): void => setQuery({ sort: sortText(keys), ...TO_THE_TOP });
export const setFilters = (filters: readonly string[]): void => setQuery({ filter: filters, ...TO_THE_TOP });
export const clearWanted = (): void => setQuery({ filter: null, sort: null, ...TO_THE_TOP });

let last = { path: "", text: "" };

/** Filters and a sort that are still in the URL when other rows are chosen were meant for the rows before. */
export function useOwnWanted(path: string): void {
  const { sort, filters } = wantedNow();
  const text = [sort, ...filters].join("\n");
  useLayoutEffect(() => {
    const before = last;
    last = { path, text };
    if (before.path && before.path !== path && before.text === text && text) {
      setQuery({ filter: null, sort: null, ...TO_THE_TOP }, { replace: true });
    }
  }, [path, text]);
}

export function addFilter(condition: Condition): void {
  const text = conditionText(condition);
  const { filters } = wantedNow();
  if (!filters.includes(text)) setFilters([...filters, text]);
}

export const keysNow = (columns: readonly string[]): SortKey[] => sortKeys(wantedNow().sort, columns);

/** The rows of a source; those before a change stay until the first of the new ones are there, and are busy meanwhile. */
export function useRowPages(source: GridSource, wanted: Wanted): { pages: RowPages | undefined; busy: boolean } {
  const key = `${rowsAddress(source, wanted, 0, 0)} ${String(source.version)}`;
  const shown = useRef<RowPages>(undefined);
  const shownKey = useRef("");
  const [, draw] = useState(0);
  useEffect(() => {
    const pages = new RowPages(
      (offset, limit) => rowsAddress(source, wanted, offset, limit),
      (changed) => {
        if (changed.head !== undefined || changed.error) {
          shown.current = changed;
          shownKey.current = key;
        }
        draw((times) => times + 1);
      },
    );
    pages.want(0, 1);
    return () => pages.close();
  }, [key]);
  return { pages: shown.current, busy: shownKey.current !== key };
}

export function saidOf(error: unknown): string {
  if (error instanceof ApiError) return error.message.replace(/^Invalid request format: /, "");
  return error instanceof Error ? error.message : "The server could not be reached.";
}

/** A cell: its row among those that match, and its column, both counted from 0. */
export interface Place {
  readonly row: number;
  readonly column: number;
}

export function placeNow(): Place | null {
  const found = /^(\d{1,15}):(\d{1,6})$/.exec(place.value.query.get("cell") ?? "");
  return found ? { row: Number(found[1]), column: Number(found[2]) } : null;
}
