/** The ledger of a data test: GET /api/tests/ledger/{testName}, and its rows as a list shows them. */
import type { IconName } from "../../parts/icon";
import type { Look } from "../../parts/look";
import type { GridColumn, GridRow } from "../../grid/source";
import { count } from "../../parts/format";

export type Became = "new" | "fixed" | "maybeNew" | "still" | "maybeFixed";

export interface LedgerTask {
  readonly taskId: string;
  readonly rowCount?: number;
  readonly keptRows?: number;
  readonly newRows?: number;
  readonly fixedRows?: number;
  readonly maybeNewRows?: number;
  readonly stillRows?: number;
  readonly columnsChanged?: true;
  readonly errorMsg?: string;
}

export interface LedgerGroup {
  readonly state: Became;
  readonly count: number;
  readonly rows: readonly GridRow[];
  readonly since: readonly string[];
  readonly sinceIsExact: readonly boolean[];
}

export interface Ledger {
  readonly tasks: readonly LedgerTask[];
  readonly taskId?: string;
  readonly comparedWith?: string;
  readonly keyFields?: readonly string[];
  readonly columns: readonly GridColumn[];
  readonly groups: readonly LedgerGroup[];
}

export const BECAME: Record<Became, { readonly word: string; readonly icon: IconName; readonly look: Look }> = {
  new: { word: "New", icon: "plus", look: "failed" },
  fixed: { word: "Fixed", icon: "success", look: "success" },
  maybeNew: { word: "Maybe new", icon: "warn", look: "warn" },
  still: { word: "Still", icon: "same", look: "skipped" },
  maybeFixed: { word: "Maybe fixed", icon: "warn", look: "warn" },
};

export interface LedgerRow {
  readonly became: Became;
  readonly cells: GridRow;
  readonly since: string;
  readonly sinceIsExact: boolean;
}

/** The listed rows, or those of one kind; new ones first, as the server has them. */
export function ledgerRows(ledger: Ledger, only = ""): LedgerRow[] {
  return ledger.groups
    .filter((group) => !only || group.state === only)
    .flatMap(({ state, rows, since, sinceIsExact }) =>
      rows.map((cells, place) => ({ became: state, cells, since: since[place]!, sinceIsExact: sinceIsExact[place]! })),
    );
}

/** What the rows are compared with and by, and what is not known. */
export function comparedWords(ledger: Ledger): string {
  const said = [`since ${ledger.comparedWith}, by ${ledger.keyFields?.join(", ") ?? "all values"}`];
  const task = ledger.tasks.find(({ taskId }) => taskId === ledger.taskId);
  const before = ledger.tasks.find(({ taskId }) => taskId === ledger.comparedWith);
  if (task?.columnsChanged) said.push("the columns have changed");
  for (const each of [task, before]) {
    if (each?.errorMsg) said.push(`the rows of ${each.taskId} cannot be read`);
    else if (each && each.keptRows! < each.rowCount!) said.push(`of ${count(each.rowCount!)} rows of ${each.taskId}, ${count(each.keptRows!)} were kept`);
  }
  return said.join("; ");
}

/** What changed in a task, after the words for what it found; "" if nothing did. */
export function changeWords(task: LedgerTask | undefined): string {
  const said = [
    [task?.newRows, "new"],
    [task?.fixedRows, "fixed"],
    [task?.maybeNewRows, "maybe new"],
  ].flatMap(([rows, word]) => (rows ? [`${count(rows as number)} ${word}`] : []));
  return said.length > 0 ? `, ${said.join(", ")}` : "";
}

/** How many rows are not listed, of those that would be. */
export function unlisted(ledger: Ledger, only: string): number {
  return ledger.groups
    .filter((group) => !only || group.state === only)
    .reduce((sum, group) => sum + group.count - group.rows.length, 0);
}
