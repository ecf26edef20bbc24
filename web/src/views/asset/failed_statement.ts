/** The statement that the database rejected, and whether the code was edited since. */
import type { Asset, TaskNode } from "../../api";
import { useFetched } from "../../parts/fetched";
import { project } from "../../store";
import { isAsSent } from "./sent_code";
import { type Statement, type Statements, statementsAddress } from "./shapes";

interface FailedStatement {
  readonly statement: Statement | undefined;
  /** "maybe": the project was loaded again since, and what changed is not known. */
  readonly edited: "no" | "maybe" | "yes";
}

/** Of a node that failed; asks for nothing otherwise. */
export function useFailedStatement(asset: Asset, node: TaskNode | undefined): FailedStatement {
  const failed = node?.state === "FAILED" ? node : undefined;
  const { value } = useFetched<Statements>(failed ? statementsAddress(asset.name, failed) : "", failed?.endTime);
  const statement = value?.statements.find((one) => one.error && !one.test);
  return { statement, edited: failed ? editedSince(asset, failed, statement) : "no" };
}

function editedSince(asset: Asset, node: TaskNode, statement: Statement | undefined): FailedStatement["edited"] {
  if ((project.value?.loadedTimeMs ?? 0) <= (node.endTime ?? Infinity)) return "no";
  if (statement && isAsSent(asset.sqlCompiledQuery, statement.text)) return "no";
  return statement && ["table", "view"].includes(asset.materialization) ? "yes" : "maybe";
}
