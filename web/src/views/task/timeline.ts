/** The timeline of a task: where each node's bar begins and how it is split, the ticks, and the critical path. */
import type { TaskNode } from "../../api";

/** A node's time, in ms: `waiting` begins with the attempt, `queued` after it, and so on to the node's end. */
export interface Bar {
  readonly waiting: number;
  readonly queued: number;
  readonly executing: number;
  readonly testing: number;
}

export const startOf = (bar: Bar): number => bar.waiting + bar.queued;
export const endOf = (bar: Bar): number => startOf(bar) + bar.executing + bar.testing;

/** Whether a node was executed by an earlier attempt, and taken over by the one that started then. */
export function isCarried(node: TaskNode, attemptStart: number): boolean {
  return node.startTime !== undefined && node.startTime < attemptStart;
}

/** When the first node could start, in epoch ms: the attempt may have waited for another task before. */
export function zeroOf(nodes: readonly TaskNode[], attemptStart: number): number {
  let zero = Infinity;
  for (const node of nodes) {
    if (node.startTime === undefined || isCarried(node, attemptStart)) continue;
    const { waitingMs = 0, queuedMs = 0 } = node.timings ?? {};
    zero = Math.min(zero, node.startTime - waitingMs - queuedMs);
  }
  return zero === Infinity ? attemptStart : zero;
}

/** The bar of a node that this attempt started, growing until `now` while it runs; null for any other node. */
export function barOf(node: TaskNode, attemptStart: number, zero: number, now: number): Bar | null {
  if (node.startTime === undefined || isCarried(node, attemptStart)) return null;
  const timings = node.timings ?? { waitingMs: node.startTime - zero, queuedMs: 0, executingMs: node.executionTimeMs, testingMs: 0 };
  const sofar = Math.max(0, now - node.startTime);
  const { waitingMs: waiting, queuedMs: queued, executingMs } = timings;
  if (node.state === "IN_PROGRESS") return { waiting, queued, executing: sofar, testing: 0 };
  if (node.state === "TESTING") return { waiting, queued, executing: executingMs, testing: Math.max(0, sofar - executingMs) };
  return { waiting, queued, executing: executingMs, testing: timings.testingMs };
}

/** The chain of nodes that the end of the task depended on, in order, with the time that they waited for a worker. */
export interface CriticalPath {
  readonly names: readonly string[];
  readonly queued: number;
  readonly end: number;
}

/** From the node that ended last, back through the upstream that ended last each time. */
export function criticalPath(bars: ReadonlyMap<string, Bar>, upstreamsOf: (name: string) => readonly string[]): CriticalPath | null {
  let name = lastToEnd(bars.keys(), bars);
  if (name === undefined) return null;
  const end = endOf(bars.get(name)!);
  const names = new Set<string>();
  let queued = 0;
  while (name !== undefined && !names.has(name)) {
    names.add(name);
    queued += bars.get(name)!.queued;
    name = lastToEnd(upstreamsOf(name), bars);
  }
  return { names: [...names].reverse(), queued, end };
}

function lastToEnd(names: Iterable<string>, bars: ReadonlyMap<string, Bar>): string | undefined {
  let last: string | undefined;
  let latest = -1;
  for (const name of names) {
    const bar = bars.get(name);
    if (bar && endOf(bar) > latest) [last, latest] = [name, endOf(bar)];
  }
  return last;
}

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const STEPS = [1, 2, 5, 10, 20, 50, 100, 200, 500].concat(
  [1, 2, 5, 10, 15, 30].map((n) => n * SECOND),
  [1, 2, 5, 10, 15, 30].map((n) => n * MINUTE),
  [1, 2, 3, 6, 12].map((n) => n * HOUR),
);
const MOST_TICKS = 5;

/** The distance of ticks on a timeline of this length, in ms. */
function tickStep(span: number): number {
  return STEPS.find((step) => span / step <= MOST_TICKS) ?? Math.ceil(span / MOST_TICKS / HOUR) * HOUR;
}

/** The ticks after 0, in ms. */
export function ticks(span: number): number[] {
  const step = tickStep(span);
  return Array.from({ length: Math.floor(span / step) }, (_, index) => (index + 1) * step);
}

/** A tick's label, in the unit that fits the distance of ticks: "200 ms", "0.5 s", "2 min", "1 min 30 s". */
export function tickLabel(ms: number, span: number): string {
  const step = tickStep(span);
  if (step >= HOUR) return `${ms / HOUR} h`;
  if (step >= MINUTE) return ms < HOUR ? `${ms / MINUTE} min` : `${Math.floor(ms / HOUR)} h ${(ms % HOUR) / MINUTE} min`;
  if (step >= SECOND && ms >= MINUTE) return ms % MINUTE ? `${Math.floor(ms / MINUTE)} min ${(ms % MINUTE) / SECOND} s` : `${ms / MINUTE} min`;
  if (step >= SECOND) return `${ms / SECOND} s`;
  return span >= SECOND ? `${(ms / SECOND).toFixed(step % 100 ? 2 : 1)} s` : `${ms} ms`;
}
