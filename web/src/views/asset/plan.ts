/** A statement's plan as rows: operators below those that read from them. */
import type { PlanChange, PlanNode } from "./shapes";

export interface PlanRow {
  readonly depth: number;
  readonly name: string;
  readonly detail: string;
  readonly rows?: number;
  readonly durationMs?: number;
  /** Its part of all operators' time, from 0 to 1. */
  readonly share: number;
  readonly change?: PlanChange;
  readonly rowsBefore?: number;
  readonly durationMsBefore?: number;
}

/** The rows, from the result to what was read. Operators that pass everything on without a detail are left out. */
export function planRows(tree: PlanNode): PlanRow[] {
  const rows: Omit<PlanRow, "share">[] = [];
  const visit = (node: PlanNode, depth: number): void => {
    const { children, ...operator } = node;
    const shown = operator.name !== "RESULT COLLECTOR";
    if (shown) rows.push({ depth, ...operator });
    for (const child of children) visit(child, shown ? depth + 1 : depth);
  };
  visit(tree, 0);
  const total = rows.reduce((sum, row) => sum + (row.durationMs ?? 0), 0);
  return rows.map((row) => ({ ...row, share: total > 0 ? (row.durationMs ?? 0) / total : 0 }));
}
