/** A statement's plan as rows: operators below those that read from them. */
import type { PlanNode } from "./shapes";

export interface PlanRow {
  readonly depth: number;
  readonly name: string;
  readonly detail: string;
  readonly rows?: number;
  readonly durationMs?: number;
  /** Its part of all operators' time, from 0 to 1. */
  readonly share: number;
}

/** The rows, from the result to what was read. Operators that pass everything on without a detail are left out. */
export function planRows(tree: PlanNode): PlanRow[] {
  const rows: Omit<PlanRow, "share">[] = [];
  const visit = (node: PlanNode, depth: number): void => {
    const { name, detail, rows: passed, durationMs } = node;
    const shown = name !== "RESULT COLLECTOR";
    if (shown) {
      rows.push({
        depth,
        name,
        detail,
        ...(passed === undefined ? {} : { rows: passed }),
        ...(durationMs === undefined ? {} : { durationMs }),
      });
    }
    for (const child of node.children) visit(child, shown ? depth + 1 : depth);
  };
  visit(tree, 0);
  const total = rows.reduce((sum, row) => sum + (row.durationMs ?? 0), 0);
  return rows.map((row) => ({ ...row, share: total > 0 ? (row.durationMs ?? 0) / total : 0 }));
}
