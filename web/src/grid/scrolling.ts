/** Which rows a scroll position shows. Chromium makes no element higher than 33,554,430 px: beyond, scrolling is scaled. */

import { ROW_PX } from "../parts/windowed";

export { ROW_PX };

const HIGHEST_PX = 30_000_000;
const AROUND = 12;

export interface Shown {
  /** The rows from `from` up to `to` are elements. */
  readonly from: number;
  readonly to: number;
  /** The room above and below them, in px. */
  readonly above: number;
  readonly below: number;
}

/** The height of all rows, in px. */
export const heightOf = (rows: number): number => Math.min(HIGHEST_PX, rows * ROW_PX);

/** How many rows a move of one px passes. */
function rowsPerPx(rows: number, room: number): number {
  const height = heightOf(rows);
  return height === rows * ROW_PX ? 1 / ROW_PX : Math.max(0, rows - room / ROW_PX) / Math.max(1, height - room);
}

/** `room` is the height in which rows are seen. */
export function shownAt(scrollTop: number, rows: number, room: number): Shown {
  const first = Math.min(rows, Math.max(0, scrollTop * rowsPerPx(rows, room)));
  const from = Math.max(0, Math.floor(first) - AROUND);
  const to = Math.min(rows, Math.ceil(first + room / ROW_PX) + AROUND);
  const isScaled = heightOf(rows) < rows * ROW_PX;
  const above = isScaled ? Math.max(0, scrollTop - (first - from) * ROW_PX) : from * ROW_PX;
  return { from, to, above, below: Math.max(0, heightOf(rows) - above - (to - from) * ROW_PX) };
}

/** Where to scroll so that a row is seen; the present position if it is. */
export function scrollFor(row: number, scrollTop: number, rows: number, room: number): number {
  const perPx = rowsPerPx(rows, room);
  const first = scrollTop * perPx;
  if (row < first) return row / perPx;
  if (row + 1 > first + room / ROW_PX) return (row + 1 - room / ROW_PX) / perPx;
  return scrollTop;
}
