import { expect, test } from "vitest";
import type { TaskNode } from "../../api";
import { barOf, criticalPath, endOf, tickLabel, ticks, zeroOf } from "./timeline";

const START = 1_000_000;

function node(name: string, values: Partial<TaskNode> = {}): TaskNode {
  const counts = { executionTimeMs: 0, totalTests: 0, passedTests: 0, failedTests: 0, testResults: [] };
  return { name: `Executing ${name}`, assetName: name, state: "SUCCESS", order: 1, message: "", ...counts, ...values };
}

const timings = (waitingMs: number, queuedMs: number, executingMs = 0, testingMs = 0) => ({ waitingMs, queuedMs, executingMs, testingMs });

test("an ended node's bar is split as the server says", () => {
  const ended = node("s.a", { startTime: START + 70, timings: timings(40, 30, 5, 290) });
  expect(barOf(ended, START, START, START + 9_999)).toEqual({ waiting: 40, queued: 30, executing: 5, testing: 290 });
});

test("a bar grows on the server's clock while its node executes, then while it is tested", () => {
  const running = node("s.a", { state: "IN_PROGRESS", startTime: START + 10, timings: timings(0, 10) });
  expect(barOf(running, START, START, START + 110)).toEqual({ waiting: 0, queued: 10, executing: 100, testing: 0 });
  const tested = node("s.a", { state: "TESTING", startTime: START + 10, timings: timings(0, 10, 60) });
  expect(barOf(tested, START, START, START + 110)).toEqual({ waiting: 0, queued: 10, executing: 60, testing: 40 });
});

test("what an attempt carries over or has not started has no bar", () => {
  expect(barOf(node("s.a", { startTime: START - 5, timings: timings(0, 0, 5) }), START, START, START)).toBeNull();
  expect(barOf(node("s.a", { state: "INITIAL" }), START, START, START)).toBeNull();
});

test("the timeline begins when the attempt could start its first node, not when it was posted", () => {
  const nodes = [
    node("s.a", { startTime: START + 5_010, timings: timings(0, 10) }),
    node("s.b", { startTime: START + 5_200, timings: timings(150, 50) }),
    node("s.carried", { startTime: START - 900, timings: timings(0, 0) }),
  ];
  expect(zeroOf(nodes, START)).toBe(START + 5_000);
  expect(zeroOf([node("s.a", { state: "INITIAL" })], START)).toBe(START);
});

test("the critical path leads back from the last end through the upstreams that ended last", () => {
  const bars = new Map(
    Object.entries({
      "s.slow": { waiting: 0, queued: 6, executing: 5, testing: 290 },
      "s.quick": { waiting: 0, queued: 0, executing: 12, testing: 10 },
      "d.fact": { waiting: 301, queued: 0, executing: 162, testing: 147 },
      "m.early": { waiting: 610, queued: 0, executing: 10, testing: 0 },
      "m.late": { waiting: 610, queued: 412, executing: 519, testing: 9 },
    }),
  );
  const upstreams: Record<string, string[]> = { "d.fact": ["s.quick", "s.slow"], "m.late": ["d.fact", "s.gone"], "m.early": ["d.fact"] };
  const path = criticalPath(bars, (name) => upstreams[name] ?? []);
  expect(path).toEqual({ names: ["s.slow", "d.fact", "m.late"], queued: 418, end: 1_550 });
  expect(path!.end).toBe(endOf(bars.get("m.late")!));
  expect(criticalPath(new Map(), () => [])).toBeNull();
});

test("a timeline that has not begun has no ticks", () => {
  expect(ticks(0)).toEqual([]);
});

test("ticks are few and round, and their labels have one unit", () => {
  const shown = (span: number) => ticks(span).map((ms) => tickLabel(ms, span));
  expect(shown(1_750)).toEqual(["0.5 s", "1.0 s", "1.5 s"]);
  expect(shown(42)).toEqual(["10 ms", "20 ms", "30 ms", "40 ms"]);
  expect(shown(230)).toEqual(["50 ms", "100 ms", "150 ms", "200 ms"]);
  expect(shown(95_000)).toEqual(["30 s", "1 min", "1 min 30 s"]);
  expect(shown(3 * 3_600_000)).toEqual(["1 h", "2 h", "3 h"]);
  expect(shown(0)).toEqual([]);
});
