/** The order of a task's nodes in its table, and which of them a filter shows. */
import type { TaskNode } from "../../api";
import { lookOf, type Look } from "../../parts/look";

/** The columns that a table of nodes can be sorted by. */
const SORTS = ["state", "name", "tests", "rows", "queued", "executing", "testing", "start"] as const;
export type Sort = (typeof SORTS)[number];

/** A sort as the address has it: "-executing" is the largest first; anything else is the order of start. */
export function sortOf(text: string): { readonly by: Sort; readonly descending: boolean } {
  const by = SORTS.find((sort) => sort === text.replace(/^-/, "")) ?? "start";
  return { by, descending: text.startsWith("-") };
}

const PLACES: Record<Look, number> = { failed: 0, running: 1, testing: 2, waiting: 3, skipped: 4, success: 5, warn: 6 };

function keyOf(node: TaskNode, by: Sort): number | string | undefined {
  switch (by) {
    case "state":
      return PLACES[lookOf(node.state, node.message)];
    case "name":
      return node.assetName;
    case "tests":
      return node.failedTests * 1e6 + node.passedTests;
    case "rows":
      return node.rows;
    case "queued":
      return node.timings?.queuedMs;
    case "executing":
      return node.timings?.executingMs;
    case "testing":
      return node.timings?.testingMs;
    case "start":
      return node.startTime;
  }
}

/** Nodes sorted by a column; those without a value come last either way, and equal ones in topological order. */
export function sorted(nodes: readonly TaskNode[], sort: { by: Sort; descending: boolean }): TaskNode[] {
  const keyed = nodes.map((node) => ({ node, key: keyOf(node, sort.by) }));
  const sign = sort.descending ? -1 : 1;
  keyed.sort((one, other) => {
    if (one.key === other.key) return one.node.order - other.node.order;
    if (one.key === undefined) return 1;
    if (other.key === undefined) return -1;
    return (one.key < other.key ? -1 : 1) * sign;
  });
  return keyed.map(({ node }) => node);
}

/** How many nodes have each look. */
export function countLooks(nodes: readonly TaskNode[]): ReadonlyMap<Look, number> {
  const counts = new Map<Look, number>();
  for (const node of nodes) {
    const look = lookOf(node.state, node.message);
    counts.set(look, (counts.get(look) ?? 0) + 1);
  }
  return counts;
}
