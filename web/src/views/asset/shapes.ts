/** What the server says of one asset. */
import { type Asset, api, asking, type TaskNode } from "../../api";
import type { CodeLine } from "../../parts/code";
import { assetAddress, param } from "../../router";
import { followsNewest, taskId } from "../../store";

/** GET /api/dag/asset/{name}/sql */
export interface AssetSql {
  readonly path: string;
  readonly firstLine: number;
  readonly select: readonly CodeLine[];
  readonly compiled: readonly CodeLine[];
}

export interface PlanNode {
  readonly name: string;
  readonly detail: string;
  readonly rows?: number;
  readonly durationMs?: number;
  readonly children: readonly PlanNode[];
  /** Of two plans as one: what differs from the one before. */
  readonly change?: PlanChange;
  readonly rowsBefore?: number;
  readonly durationMsBefore?: number;
}

export type PlanChange = "same" | "new" | "gone" | "slower" | "faster" | "more rows" | "fewer rows";

export interface Statement {
  readonly number: number;
  readonly text: string;
  readonly textLength?: number;
  readonly connection: string;
  readonly test?: string;
  readonly startTime: number;
  readonly durationMs: number;
  readonly rows?: number;
  readonly error?: { readonly message: string; readonly position?: number; readonly line?: number; readonly column?: number };
  readonly lines: readonly CodeLine[];
  readonly profileTree?: PlanNode;
}

/** GET /api/dag/asset/{name}/statements?tokens=true */
export interface Statements {
  readonly taskId: string;
  readonly attempt: number;
  readonly total: number;
  readonly statements: readonly Statement[];
}

export interface ComparedStatement {
  readonly number?: number;
  readonly text: string;
  readonly change: PlanChange;
  readonly durationMs?: number;
  readonly durationMsBefore?: number;
  readonly plan?: PlanNode;
  readonly lostMost?: string;
}

interface TimedTask {
  readonly taskId: string;
  readonly durationMs: number;
}

/** GET /api/dag/asset/{name}/plans */
export interface Plans {
  readonly now: TimedTask;
  readonly before?: TimedTask;
  readonly change?: PlanChange;
  readonly message?: string;
  readonly statements: readonly ComparedStatement[];
}

/** Whether it is made by a query: neither Python nor statements of its own. */
export const hasQuery = ({ materialization }: Asset): boolean => materialization !== "raw" && materialization !== "custom";

/** The task whose result is shown: none, for the newest execution, if the task in view is the newest and left the asset out. */
export function taskShown(node: TaskNode | undefined): string | null {
  return !node && followsNewest.value ? null : taskId.value || null;
}

export function statementsAddress(name: string, node: TaskNode | undefined): string {
  return asking(api`/api/dag/asset/${name}/statements`, { taskId: taskShown(node), tokens: true });
}

/** A link to another asset: beside the graph if this one is there too, else to its page. */
export function linkOfAsset(name: string): string {
  return assetAddress(name, { tab: param("tab") }, { sort: null, filter: null, cell: null, page: null, row: null, column: null });
}
