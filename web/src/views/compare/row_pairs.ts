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
