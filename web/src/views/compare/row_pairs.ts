/** The rows of an asset that differ between two tasks: GET /api/compare/rows. */
import type { GridColumn, GridRow } from "../../grid/source";
import type { IconName } from "../../parts/icon";
import type { Look } from "../../parts/look";
import type { RowsCompared } from "./comparison";

export const PAGE_ROWS = 200;

export const CHANGES = ["changed", "removed", "added"] as const;
export type RowChange = (typeof CHANGES)[number];

export interface RowPair {
  readonly change: RowChange;
  readonly from?: GridRow;
  readonly to?: GridRow;
  /** The places of the columns that changed. */
  readonly cells: readonly number[];
  /** How often it differs, if more than once. */
  readonly times?: number;
}

export interface RowPairs {
  readonly difference: NonNullable<RowsCompared["difference"]>;
  readonly columns: readonly GridColumn[];
  readonly leftOut: readonly string[];
  readonly matchingRecords: number;
  readonly rows: readonly RowPair[];
}

export const BECAME: Record<RowChange, { readonly word: string; readonly icon: IconName; readonly look: Look }> = {
  changed: { word: "Changed", icon: "edit", look: "warn" },
  removed: { word: "Removed", icon: "minus", look: "failed" },
  added: { word: "Added", icon: "plus", look: "success" },
};

/** The same with the key's columns first, then those that changed, then the others: what differs is seen without scrolling. */
export function changesFirst(found: RowPairs): RowPairs {
  const changed = new Set(found.rows.flatMap((pair) => pair.cells));
  const rank = (place: number) => (found.columns[place]!.key ? 0 : changed.has(place) ? 1 : 2);
  const order = found.columns.map((_, place) => place).sort((one, other) => rank(one) - rank(other));
  const inOrder = (row: GridRow | undefined) => row && order.map((place) => row[place]);
  return {
    ...found,
    columns: order.map((place) => found.columns[place]!),
    rows: found.rows.map(({ from, to, cells, ...pair }) => ({
      ...pair,
      ...(from && { from: inOrder(from)! }),
      ...(to && { to: inOrder(to)! }),
      cells: cells.map((place) => order.indexOf(place)),
    })),
  };
}
