/** A task and its nodes in words: what it is of, why a node was skipped, what failed and in which order. */
import type { Task, TaskNode, TestResult } from "../../api";
import { counted } from "../../parts/format";
import { blockerOf } from "../../parts/node_message";

const CANCELLED = "cancelled";

/** What the task executes: "all 22 assets, with tests", "1 of 22 assets, without tests", "the query of mart.a", "1 test alone". */
export function scopeOf(task: Task, nodes: readonly TaskNode[], assetCount: number): string {
  const alone = task.loneTestResults?.length ?? 0;
  if (nodes.length === 0) return alone === 0 ? "" : `${counted(alone, "test")} alone`;
  const selected = nodes.filter((node) => node.name.startsWith("Selecting "));
  if (selected.length === nodes.length) {
    return selected.length === 1 ? `the query of ${selected[0]!.assetName} alone, nothing is written` : `${selected.length} queries`;
  }
  const tested = nodes.some((node) => node.totalTests > 0);
  return `${assetsOf(nodes, assetCount)}, ${tested ? "with tests" : "without tests"}`;
}

function assetsOf(nodes: readonly TaskNode[], assetCount: number): string {
  if (nodes.length >= assetCount) return `all ${counted(nodes.length, "asset")}`;
  return nodes.length === 1 ? `${nodes[0]!.assetName} alone` : `${nodes.length} of ${counted(assetCount, "asset")}`;
}

/** Why a node was skipped, in a few words. */
export function whySkipped(message: string): string {
  const blocker = blockerOf(message);
  return blocker ? `because of ${blocker}` : message.replace(/^skipped: /, "");
}

/** What interrupted a node that ran, or before it ran: "server restarted"; "" if nothing did. */
export function interruptionOf(node: Pick<TaskNode, "message">): string {
  return /^(?:skipped: )?interrupted: (.*)$/s.exec(node.message)?.[1] ?? "";
}

/** The same of a task. */
export function interruptionIn(nodes: readonly TaskNode[]): string {
  return nodes.map(interruptionOf).find(Boolean) ?? "";
}

/** What failed: a node with its failed tests, or a test that belongs to no node of the task. */
export interface Failure {
  readonly asset: string;
  readonly message: string;
  readonly tests: readonly TestResult[];
  readonly executionMs: number;
  readonly blocked: readonly string[];
}

const failed = (results: readonly TestResult[] | undefined): TestResult[] =>
  (results ?? []).filter((result) => result.status === "FAILED");

/** The failures of a task in the order in which they happened. What was stopped by a cancellation is none. */
export function failuresOf(task: Task, nodes: readonly TaskNode[]): Failure[] {
  const blocked = new Map<string, string[]>();
  for (const node of nodes) {
    const blocker = blockerOf(node.message);
    if (!blocker) continue;
    const names = blocked.get(blocker);
    if (names) names.push(node.assetName);
    else blocked.set(blocker, [node.assetName]);
  }
  const ofNodes = nodes
    .filter((node) => node.state === "FAILED" && node.message !== CANCELLED)
    .sort((one, other) => (one.endTime ?? Infinity) - (other.endTime ?? Infinity) || one.order - other.order)
    .map((node) => ({
      asset: node.assetName,
      message: node.message.startsWith("tests failed: ") ? "" : node.message,
      tests: failed(node.testResults),
      executionMs: node.executionTimeMs,
      blocked: blocked.get(node.assetName) ?? [],
    }));
  const others = [...failed(task.rootTestResults), ...failed(task.loneTestResults)];
  return [...ofNodes, ...others.map((test) => ({ asset: "", message: "", tests: [test], executionMs: 0, blocked: [] }))];
}

const PATH_NAMES = 7;

/** The critical path in words; the middle of a long one is only counted. */
export function pathInWords(names: readonly string[]): string {
  if (names.length <= PATH_NAMES) return names.join(" → ");
  return [...names.slice(0, 3), `${names.length - 6} more`, ...names.slice(-3)].join(" → ");
}

/** What a failure is, in a sentence after its asset: "its test found 20 rows, 89 ms into its work". */
export function reasonOf(failure: Failure): string {
  const [test] = failure.tests;
  if (failure.tests.length > 1) return `${failure.tests.length} of its tests failed`;
  if (!test) return "";
  return test.rowCount ? `its test found ${counted(test.rowCount, "row")}` : "its test could not run";
}

/** How many nodes a cancellation stopped. */
export function stopped(nodes: readonly TaskNode[]): number {
  return nodes.filter((node) => node.state === "FAILED" && node.message === CANCELLED).length;
}

/** How many nodes a retry would execute. */
export function leftToRetry(nodes: readonly TaskNode[]): number {
  return nodes.filter((node) => node.state === "FAILED" || node.state === "INITIAL").length;
}
