/** A list of rows of equal height, of which only those in sight are in the document. */
import type { RefObject } from "preact";
import { useEffect, useLayoutEffect, useState } from "preact/hooks";

export const ROW_PX = 24;
/** Rows come and go this many at a time: a few large changes cost less than many small ones. */
const STEP = 8;

export interface Rows {
  readonly from: number;
  readonly to: number;
}

/** The rows from `from` up to `to` are in sight of the scroll container, or soon will be. */
export function useWindow(container: RefObject<HTMLElement | null>, count: number): Rows {
  const [rows, show] = useState<Rows>({ from: 0, to: Math.min(count, 60) });
  useLayoutEffect(() => {
    const element = container.current;
    if (!element) return;
    const look = (): void => {
      const first = Math.floor(element.scrollTop / ROW_PX / STEP) * STEP;
      const from = Math.max(0, Math.min(first - STEP, count - 1));
      const to = Math.min(count, first + Math.ceil(element.clientHeight / ROW_PX) + 2 * STEP);
      show((now) => (now.from === from && now.to === to ? now : { from, to }));
    };
    look();
    element.addEventListener("scroll", look, { passive: true });
    const sizes = new ResizeObserver(look);
    sizes.observe(element);
    return () => {
      element.removeEventListener("scroll", look);
      sizes.disconnect();
    };
  }, [count]);
  return { from: Math.min(rows.from, count), to: Math.min(rows.to, count) };
}

/** Keep a row in sight. Does nothing if `index` is below 0. */
export function useInSight(container: RefObject<HTMLElement | null>, index: number): void {
  useEffect(() => {
    if (container.current && index >= 0) bringInSight(container.current, index);
  }, [index]);
}

/** Scroll as little as is needed to see a row, below a sticky head of one row. */
export function bringInSight(element: HTMLElement, index: number): void {
  const top = index * ROW_PX;
  if (top < element.scrollTop) element.scrollTop = top;
  else if (top + 2 * ROW_PX > element.scrollTop + element.clientHeight) element.scrollTop = top + 2 * ROW_PX - element.clientHeight;
}
