/**
 * Which rows of a long list are in sight, and where they are drawn.
 * A browser makes no element taller than about 33,554,430 px, so the list is at most `TALLEST` px: with more rows, one
 * pixel of scrolling stands for several. Rows are drawn relative to what is scrolled to, so they never drift.
 */

import { ROW_PX } from "../../parts/windowed";

const TALLEST = 30_000_000;
const BEYOND = 8; // rows drawn above and below those in sight

export interface RowWindow {
  /** The height of the scrolled element. */
  readonly height: number;
  /** The first and the last row to draw; `last` is -1 without rows. */
  readonly first: number;
  readonly last: number;
  /** The first row of which something is in sight, and how many fit. */
  readonly top: number;
  readonly fitting: number;
  /** Where the row `first` is drawn, in the scrolled element. */
  readonly offset: number;
}

/** How many pixels of the rows one pixel of scrolling stands for; 1 for up to 1,250,000 rows. */
function scale(rows: number, viewport: number): number {
  const full = rows * ROW_PX;
  return full <= TALLEST ? 1 : (full - viewport) / (TALLEST - viewport);
}

export function rowWindow(rows: number, scrollTop: number, viewport: number): RowWindow {
  const height = Math.min(rows * ROW_PX, TALLEST);
  const most = Math.max(0, height - viewport);
  const scrolled = Math.min(Math.max(0, scrollTop), most);
  const y = scrolled * scale(rows, viewport);
  const top = Math.min(Math.floor(y / ROW_PX), Math.max(0, rows - 1));
  const fitting = Math.max(1, Math.floor(viewport / ROW_PX));
  const first = Math.max(0, top - BEYOND);
  const last = Math.min(rows - 1, top + Math.ceil(viewport / ROW_PX) + BEYOND);
  return { height, first, last, top, fitting, offset: scrolled + first * ROW_PX - y };
}

/** Where to scroll so that a row is in sight: as little as possible, or with the row in the middle. */
export function scrollFor(row: number, rows: number, scrollTop: number, viewport: number, centred = false): number {
  const by = scale(rows, viewport);
  const y = scrollTop * by;
  const above = row * ROW_PX;
  if (centred) return Math.max(0, (above - (viewport - ROW_PX) / 2) / by);
  if (above < y) return above / by;
  if (above + ROW_PX > y + viewport) return (above + ROW_PX - viewport) / by;
  return scrollTop;
}
