/** The data tests of a task: what the list shows, in which order, and what its filters count. */
import type { Asset, DataTest, History, TestOfTask, TestResult } from "../../api";
import type { Look } from "../../parts/look";
import { withoutStage } from "../../parts/names";

export type TestState = "failed" | "not run" | "running" | "passed";

export const STATE_WORDS: Record<TestState, string> = {
  failed: "Failed",
  "not run": "Not run",
  running: "Running",
  passed: "Passed",
};

/** A data test as the list shows it. */
export interface TestRow {
  readonly name: string;
  /** Without the stage and `test_`. */
  readonly shortName: string;
  /** The asset that names it; "" for a root test and for one that no asset names. */
  readonly asset: string;
  readonly of: string;
  readonly state: TestState;
  readonly look: Look;
  readonly word: string;
  /** How many rows it found; absent if it did not run, or could not. */
  readonly rows?: number;
  /** How many of them are kept. */
  readonly keptRows?: number;
  readonly durationMs?: number;
  readonly description: string;
  readonly mask: readonly string[];
  /** Why it could not run, or "". */
  readonly error: string;
}

export interface Sources {
  /** Those of the project. */
  readonly tests: readonly DataTest[];
  /** Those of the task, as fetched. */
  readonly ofTask: readonly TestOfTask[];
  /** Those of the task, as the stream says: newer. */
  readonly live: ReadonlyMap<string, TestResult>;
  readonly assets: ReadonlyMap<string, Asset>;
}

/** The rows, by name: tests of the project, and those that only the task has. */
export function testRows({ tests, ofTask, live, assets }: Sources): TestRow[] {
  const kept = new Map(ofTask.map((test) => [test.name, test]));
  const known = new Map<string, DataTest>([...ofTask, ...tests].map((test) => [test.name, test]));
  const owners = new Map<string, string>();
  for (const asset of assets.values()) for (const test of asset.tests) if (!owners.has(test)) owners.set(test, asset.name);
  return [...known.values()]
    .map((test) => testRow(test, kept.get(test.name), live.get(test.name), owners.get(test.name) ?? ""))
    .sort((one, other) => (one.name < other.name ? -1 : 1));
}

function testRow(test: DataTest, kept: TestOfTask | undefined, live: TestResult | undefined, owner: string): TestRow {
  const asset = kept?.assetName ?? owner;
  const status = live?.status ?? kept?.status ?? "INITIAL";
  // What was fetched may be of before the test ran again.
  const outcome = kept && kept.status === status ? kept : undefined;
  const durationMs = live?.durationMs ?? outcome?.durationMs;
  return {
    name: test.name,
    shortName: shortName(test.name),
    asset,
    of: asset || (test.name.startsWith("root.") ? "whole project" : "no asset"),
    ...looks(status, outcome?.couldNotRun ?? false),
    ...(outcome && !outcome.couldNotRun ? { rows: outcome.rowCount, keptRows: outcome.keptRows } : {}),
    ...(durationMs !== undefined && (status === "SUCCESS" || status === "FAILED") ? { durationMs } : {}),
    description: test.description,
    mask: test.mask ?? [],
    error: outcome?.errorMsg ?? "",
  };
}

function looks(status: string, couldNotRun: boolean): Pick<TestRow, "state" | "look" | "word"> {
  switch (status) {
    case "SUCCESS":
      return { state: "passed", look: "success", word: "Passed" };
    case "FAILED":
      return couldNotRun
        ? { state: "failed", look: "warn", word: "Could not run" }
        : { state: "failed", look: "failed", word: "Failed" };
    case "IN_PROGRESS":
      return { state: "running", look: "testing", word: "Running" };
    default:
      return { state: "not run", look: "skipped", word: "Not run" };
  }
}

export function shortName(name: string): string {
  return withoutStage(name).replace(/^test_(?=.)/, "");
}

/** Failed ones first, then those that did not run; while tests still run, by name, so that no row jumps. */
export function inOrder(rows: readonly TestRow[], running: boolean): TestRow[] {
  if (running) return [...rows];
  const places: Record<TestState, number> = { failed: 0, running: 1, "not run": 2, passed: 3 };
  return rows.toSorted((one, other) => places[one.state] - places[other.state]);
}

/**
 * Of a task that ran tests alone: the order in which they were listed before, so that the one that ran stays where it
 * is; without one, those that ran come first.
 */
export function inOrderBefore(rows: readonly TestRow[], before: ReadonlyMap<string, number>): TestRow[] {
  const place = (row: TestRow): number => before.get(row.name) ?? (row.state === "not run" ? Infinity : -1);
  return rows.toSorted((one, other) => (place(one) === place(other) ? 0 : place(one) - place(other)));
}

/** Rows in a state ("" for all) whose name, asset or description contains the text. */
export function matching(rows: readonly TestRow[], state: string, text: string): TestRow[] {
  const words = text.toLowerCase();
  return rows.filter(
    (row) =>
      (!state || row.state === state) &&
      (!words || [row.name, row.of, row.description].some((field) => field.toLowerCase().includes(words))),
  );
}

export function countsOf(rows: readonly TestRow[]): Record<TestState, number> {
  const counts: Record<TestState, number> = { failed: 0, "not run": 0, running: 0, passed: 0 };
  for (const row of rows) counts[row.state] += 1;
  return counts;
}

/** What became of a test in one task. */
export interface Mark {
  readonly taskId: string;
  readonly kind: "passed" | "rows" | "no result" | "none";
  readonly rows: number;
}

/** The marks of each test, oldest task first. */
export function marksOf(history: History | null | undefined): ReadonlyMap<string, readonly Mark[]> {
  return new Map(
    (history?.tests ?? []).map(({ name, rowCounts, statuses }) => [
      name,
      history!.tasks.map(({ taskId }, index) => mark(taskId, statuses[index] ?? null, rowCounts[index] ?? null)),
    ]),
  );
}

function mark(taskId: string, status: string | null, rows: number | null): Mark {
  if (status === "SUCCESS") return { taskId, kind: "passed", rows: 0 };
  if (status === "FAILED") return { taskId, kind: rows === null ? "no result" : "rows", rows: rows ?? 0 };
  return { taskId, kind: "none", rows: 0 };
}

/** The newest task that ran more tests than so many, or undefined. */
export function lastWithMore(marks: ReadonlyMap<string, readonly Mark[]>, ran: number): string | undefined {
  const counts = new Map<string, number>();
  for (const ofTest of marks.values()) {
    for (const { taskId, kind } of ofTest) counts.set(taskId, (counts.get(taskId) ?? 0) + (kind === "none" ? 0 : 1));
  }
  return [...counts].findLast(([, count]) => count > Math.max(1, ran))?.[0];
}

export function markWords({ taskId, kind, rows }: Mark): string {
  const words = { passed: "passed", rows: `${rows} ${rows === 1 ? "row" : "rows"}`, "no result": "could not run", none: "not run" };
  return `${taskId}: ${words[kind]}`;
}
