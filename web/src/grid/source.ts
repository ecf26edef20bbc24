/** Where a grid's rows are: an endpoint of rows, with its summary and its downloads beside it. */
import { asking, type Query } from "../api";

export interface GridSource {
  /** The endpoint of the rows: `/api/dag/asset/{name}/data` or `/api/tests/data/{testName}`. */
  readonly path: string;
  /** What the rows are as of: `taskId`, `attempt`. */
  readonly query: Query;
  /** What the rows are, for people who do not see them. */
  readonly label: string;
  /** When this changes, the rows are fetched again. */
  readonly version?: unknown;
  /** Why there are no rows at all. */
  readonly whyNone?: string;
  /** The address that says where a row comes from and goes to, if that can be found out. */
  readonly traceOf?: (columns: readonly GridColumn[], row: GridRow) => string;
  /** True if the view has a search of its own, which `/` opens. */
  readonly besideSearch?: boolean;
}

export interface GridColumn {
  readonly name: string;
  readonly type: string;
  readonly key?: true;
}

export type CellValue = unknown;
export type GridRow = readonly CellValue[];

/** A page of rows as arrays. */
export interface RowsAnswer {
  readonly columns: readonly GridColumn[];
  readonly rows: readonly GridRow[];
  readonly totalRecords: number;
  readonly matchingRecords: number;
  readonly dataType?: string;
  readonly data?: unknown;
  readonly taskId?: string;
  readonly attempt?: number;
  readonly madeTime?: number;
  /** How many rows the relation had, if only its first ones were captured. */
  readonly relationRows?: number;
}

export interface ColumnSummary extends GridColumn {
  readonly nulls: number;
  readonly distinct: number;
  readonly distinctIsApproximate: boolean;
  readonly least?: CellValue;
  readonly most?: CellValue;
  readonly mean?: number;
  readonly histogram?: readonly { readonly from: number | string; readonly to: number | string; readonly count: number }[];
  readonly commonest?: readonly { readonly value: CellValue; readonly count: number }[];
}

export interface SummaryAnswer {
  readonly totalRecords: number;
  readonly columns: readonly ColumnSummary[];
}

/** Which rows are shown, and in which order, as the URL has it. */
export interface Wanted {
  readonly sort: string;
  readonly filters: readonly string[];
}

export const FORMATS = [
  ["csv", "CSV"],
  ["parquet", "Parquet"],
  ["jsonl", "JSON Lines"],
  ["arrow", "Arrow"],
] as const;

export function rowsAddress(source: GridSource, wanted: Wanted, offset: number, limit: number): string {
  return asking(source.path, { ...source.query, format: "arrays", sort: wanted.sort, filter: wanted.filters, offset, limit });
}

export function summaryAddress(source: GridSource, wanted: Wanted): string {
  return asking(`${source.path}/summary`, { ...source.query, filter: wanted.filters });
}

export function downloadAddress(source: GridSource, wanted: Wanted, format: string): string {
  return asking(`${source.path}/download`, { ...source.query, sort: wanted.sort, filter: wanted.filters, as: format });
}
