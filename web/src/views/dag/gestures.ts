/** Wheel, drag and pinch, as panning and zooming. */

export interface Moves {
  pan(x: number, y: number): void;
  /** By a factor, around a point of the element. */
  zoom(x: number, y: number, factor: number): void;
}

const LINE_PX = 16;
const DRAG_PX = 4;
const WHEEL_RATE = 0.0015;
/** A pinch on a touchpad comes as a wheel with Ctrl, in small steps. */
const PINCH_RATE = 0.01;

/** Follow what happens to an element. Returns what ends it. */
export function followGestures(element: HTMLElement, moves: Moves): () => void {
  const pointers = new Map<number, { x: number; y: number }>();
  let isDrag = false;
  const ending = new AbortController();
  const on = <Kind extends keyof HTMLElementEventMap>(kind: Kind, act: (event: HTMLElementEventMap[Kind]) => void, capture = false): void =>
    element.addEventListener(kind, act as EventListener, { signal: ending.signal, passive: false, capture });

  on("wheel", (event) => {
    event.preventDefault();
    const by = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? LINE_PX : 1;
    if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
      moves.pan(-(event.deltaX || event.deltaY) * by, 0);
      return;
    }
    const { x, y } = within(element, event);
    moves.zoom(x, y, Math.exp(-event.deltaY * by * (event.ctrlKey ? PINCH_RATE : WHEEL_RATE)));
  });

  on("pointerdown", (event) => {
    if (event.button !== 0 || isControl(event.target)) return;
    if (pointers.size === 0) isDrag = false;
    pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
  });

  on("pointermove", (event) => {
    const before = pointers.get(event.pointerId);
    if (!before) return;
    const now = { x: event.clientX, y: event.clientY };
    if (!isDrag) {
      if (Math.hypot(now.x - before.x, now.y - before.y) < DRAG_PX) return;
      isDrag = true;
      element.setPointerCapture(event.pointerId);
      element.classList.add("dragged");
    }
    const other = [...pointers].find(([id]) => id !== event.pointerId)?.[1];
    pointers.set(event.pointerId, now);
    if (!other) {
      moves.pan(now.x - before.x, now.y - before.y);
      return;
    }
    const middle = within(element, { clientX: (now.x + other.x) / 2, clientY: (now.y + other.y) / 2 });
    moves.pan((now.x - before.x) / 2, (now.y - before.y) / 2);
    moves.zoom(middle.x, middle.y, distance(now, other) / Math.max(1, distance(before, other)));
  });

  const lift = (event: PointerEvent): void => {
    pointers.delete(event.pointerId);
    if (pointers.size === 0) element.classList.remove("dragged");
  };
  on("pointerup", lift);
  on("pointercancel", lift);
  // The click that ends a drag is no click.
  on(
    "click",
    (event) => {
      if (!isDrag) return;
      isDrag = false;
      event.stopPropagation();
      event.preventDefault();
    },
    true,
  );
  return () => ending.abort();
}

function within(element: HTMLElement, event: { clientX: number; clientY: number }): { x: number; y: number } {
  const box = element.getBoundingClientRect();
  return { x: event.clientX - box.left, y: event.clientY - box.top };
}

const distance = (one: { x: number; y: number }, other: { x: number; y: number }): number => Math.hypot(one.x - other.x, one.y - other.y);

const isControl = (target: EventTarget | null): boolean => target instanceof Element && !!target.closest(".zoom, .stagehead");
