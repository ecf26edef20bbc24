/**
 * The duration of each task as a lollipop: the icon of its state stands on the value.
 * Plain SVG rather than a canvas: a page of tasks is few marks, each a link with a name, an icon and a focus.
 */
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { cutInside, duration, ticking, timeOfDay } from "../../parts/format";
import { Icon } from "../../parts/icon";
import { WORDS } from "../../parts/look";
import { go, taskPath } from "../../router";
import { taskId } from "../../store";
import { tickLabel, ticks } from "../task/timeline";
import { durationOf, greenMedian, lookOfTask, type ShownTask, shownTasks } from "./shown_history";

const HEIGHT = 268;
const TOP = 24;
const BOTTOM = 234;
const LEFT = 60;
const RIGHT = 16;
/** From this width of a column on, names fit, and values beside the icon; otherwise values are above it. */
const NAMES_FROM = 88;
const VALUES_FROM = 46;
/** At most as wide is a character of a name, on average. */
const CHARACTER = 7;

export function DurationPlot() {
  const box = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(0);
  useLayoutEffect(() => {
    const sizes = new ResizeObserver(([entry]) => setWidth(Math.floor(entry!.contentRect.width)));
    sizes.observe(box.current!);
    return () => sizes.disconnect();
  }, []);
  return (
    <div class="plotbox" ref={box}>
      {width > 0 && <Plot width={width} />}
    </div>
  );
}

function Plot({ width }: { width: number }) {
  const tasks = shownTasks.value;
  const most = Math.max(1, greenMedian.value ?? 0, ...tasks.map(({ task }) => durationOf(task)));
  const steps = [0, ...ticks(most * 1.1)];
  const top = Math.max(most * 1.1, steps.at(-1)!);
  const y = (ms: number): number => BOTTOM - (ms / top) * (BOTTOM - TOP);
  const column = (width - LEFT - RIGHT) / Math.max(1, tasks.length);
  return (
    <svg class="plot" width={width} height={HEIGHT} role="group" aria-label="Duration of each task, oldest first">
      {steps.map((ms) => (
        <g key={ms}>
          <line class={ms === 0 ? "axis" : "grid"} x1={LEFT - 12} x2={width - RIGHT} y1={y(ms)} y2={y(ms)} />
          <text x={LEFT - 20} y={y(ms) + 4} text-anchor="end">
            {ms === 0 ? "0" : tickLabel(ms, most * 1.1)}
          </text>
        </g>
      ))}
      {greenMedian.value !== null && (
        <line class="med" x1={LEFT - 12} x2={width - RIGHT} y1={y(greenMedian.value)} y2={y(greenMedian.value)} stroke-width="2" />
      )}
      {tasks.map((shown, place) => (
        <Lollipop key={shown.task.taskId} shown={shown} left={LEFT + place * column} width={column} y={y} />
      ))}
    </svg>
  );
}

/** Follow a link within the page: one in an SVG is not one of those that the router follows. */
function open(event: MouseEvent): void {
  if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  go((event.currentTarget as SVGAElement).href.baseVal);
}

interface LollipopProps {
  readonly shown: ShownTask;
  readonly left: number;
  readonly width: number;
  readonly y: (ms: number) => number;
}

function Lollipop({ shown: { task }, left, width, y }: LollipopProps) {
  const ms = durationOf(task);
  const look = lookOfTask(task);
  const value = look === "waiting" ? "" : task.durationMs === undefined ? ticking(ms) : duration(ms);
  const middle = left + width / 2;
  const isCurrent = task.taskId === taskId.value;
  const isWide = width >= NAMES_FROM;
  return (
    <a class="lollipop" href={taskPath(task.taskId)} onClick={open}>
      <title>{`${task.taskId}: ${WORDS[look]}${value && `, ${value}`}`}</title>
      <rect class={isCurrent ? "column current" : "column"} x={left + 4} y={10} width={Math.max(4, width - 8)} height={250} rx={4} />
      <line x1={middle} x2={middle} y1={BOTTOM} y2={y(ms)} stroke={`var(--${look}-fill)`} stroke-width={width < 16 ? 2 : 4} />
      <svg x={middle - 8} y={y(ms) - 8} width={16} height={16} class={`st-${look}`}>
        <Icon name={look} />
      </svg>
      {(width >= VALUES_FROM || isCurrent) && (
        <text class="halo" aria-hidden="true" {...(isWide ? { x: middle + 13, y: y(ms) + 4 } : { x: middle, y: y(ms) - 12, "text-anchor": "middle" })}>
          {value}
        </text>
      )}
      {width >= VALUES_FROM && (
        <text class="name" aria-hidden="true" x={middle} y={252} text-anchor="middle">
          {isWide ? cutInside(task.taskId, Math.floor((width - 12) / CHARACTER)) : timeOfDay(task.startTime).slice(0, 5)}
        </text>
      )}
    </a>
  );
}
