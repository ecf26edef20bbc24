/** The figures of the history: medians, axes, sparklines, and what stands out in a task. */
import type { AssetHistory, History, HistoryTask } from "../../api";
import { counted } from "../../parts/format";

/** The middle one of numbers, or the mean of the middle two; null of none. */
export function median(values: readonly number[]): number | null {
  if (values.length === 0) return null;
  const ordered = [...values].sort((one, other) => one - other);
  const middle = ordered.length >> 1;
  return ordered.length % 2 ? ordered[middle]! : (ordered[middle - 1]! + ordered[middle]!) / 2;
}

/** The median duration of the tasks that can be compared: green, of all assets, and not the rest of an earlier attempt. */
export function medianOfFullGreen(tasks: readonly HistoryTask[], assetCount: number): number | null {
  const full = tasks.filter((task) => task.status === "SUCCESS" && task.totalAssets >= assetCount && task.attempt === 1);
  return median(full.flatMap((task) => task.durationMs ?? []));
}

/** What an asset's durations come to. */
export interface AssetFigures {
  readonly name: string;
  readonly durations: readonly (number | null)[];
  readonly median: number;
  /** The duration in the newest task that executed it, and which of the tasks that is. */
  readonly last: number;
  readonly lastIndex: number;
  readonly slowest: number;
}

/** The figures of each asset that was executed, the slowest by median first. */
export function figuresOf(assets: readonly AssetHistory[]): AssetFigures[] {
  const figures: AssetFigures[] = [];
  for (const { name, durationsMs } of assets) {
    const known = durationsMs.filter((ms) => ms !== null);
    const middle = median(known);
    if (middle === null) continue;
    const lastIndex = durationsMs.findLastIndex((ms) => ms !== null);
    figures.push({ name, durations: durationsMs, median: middle, last: durationsMs[lastIndex]!, lastIndex, slowest: Math.max(...known) });
  }
  return figures.sort((one, other) => other.median - one.median || (one.name < other.name ? -1 : 1));
}

/** A sparkline as an SVG path, and the place of its last value. Tasks without the asset are passed over, but keep their place. */
export interface Spark {
  readonly path: string;
  readonly last: { readonly x: number; readonly y: number } | null;
}

export function sparkOf(values: readonly (number | null)[], width: number, height: number): Spark {
  const known = values.filter((value) => value !== null);
  const [least, most] = [Math.min(...known), Math.max(...known)];
  let path = "";
  let last: Spark["last"] = null;
  values.forEach((value, index) => {
    if (value === null) return;
    const x = round(values.length > 1 ? (index / (values.length - 1)) * width : width / 2);
    const y = round(most > least ? height - ((value - least) / (most - least)) * height : height / 2);
    path += `${last ? "L" : "M"}${x} ${y}`;
    last = { x, y };
  });
  return { path, last };
}

const round = (value: number): number => Math.round(value * 10) / 10;

/** What a task has that an ordinary one has not, in a few words: "2 tests red: 21 rows", "attempt 2", "staging.weather alone". */
export function standsOut(task: HistoryTask, index: number, history: History, assetCount: number): string {
  const parts = [failureIn(task), task.attempt > 1 ? `attempt ${task.attempt}` : "", scopeIn(task, index, history, assetCount)];
  return parts.filter(Boolean).join("; ");
}

function failureIn(task: HistoryTask): string {
  const { firstFailure: first, failedTests, violatingRows } = task;
  if (!first) return task.status === "FAILED" && task.skippedAssets > 0 && task.completedAssets === 0 ? "stopped before it began" : "";
  const rows = violatingRows > 0 ? `: ${counted(violatingRows, "row")}` : ": could not run";
  if (!first.assetName && first.testName) {
    const kind = first.testName.startsWith("root.") ? "root test" : "test";
    return `${failedTests === 1 ? kind : counted(failedTests, kind)} red${rows}`;
  }
  if (first.testName && first.message.startsWith("tests failed: ")) return `${counted(failedTests, "test")} red${rows}`;
  if (first.message === "cancelled") return "cancelled";
  const line = first.message.split("\n", 1)[0]!.replace(/^SQL execution failed: /, "");
  return first.assetName ? `${first.assetName}: ${line}` : line;
}

function scopeIn(task: HistoryTask, index: number, history: History, assetCount: number): string {
  if (task.totalAssets === 0) {
    const test = history.tests.find((one) => one.statuses[index]);
    return test ? `${test.name} alone` : "tests alone";
  }
  if (task.totalAssets >= assetCount) return "";
  if (task.totalAssets > 1) return `${task.totalAssets} of ${counted(assetCount, "asset")}`;
  const asset = history.assets.find((one) => one.states[index]);
  return asset ? `${asset.name} alone` : "a query alone";
}
