/** The plan of a statement, with the time that each operator took. */
import { count } from "../../parts/format";
import { planRows } from "./plan";
import type { PlanNode } from "./shapes";

const INDENT_PX = 10;

export function Plan({ tree }: { tree: PlanNode }) {
  const rows = planRows(tree);
  if (rows.length === 0) return null;
  return (
    <div class="plan" tabIndex={0} role="region" aria-label="Plan">
      <table class="table">
        <thead>
          <tr>
            <th>Plan, from the result to what it reads</th>
            <th class="num">Rows</th>
            <th class="num">ms</th>
            <th class="share">Share</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row, index) => (
            <tr key={index}>
              <td class="operator" title={row.detail}>
                <span style={{ paddingLeft: `${row.depth * INDENT_PX}px` }}>{row.name}</span>
                {row.detail && <span class="faint"> {row.detail}</span>}
              </td>
              <td class="num">{row.rows === undefined ? "" : count(row.rows)}</td>
              <td class="num">{row.durationMs?.toFixed(row.durationMs < 10 ? 2 : 0)}</td>
              <td class="share">
                <span class="bar" style={{ width: `${Math.round(row.share * 100)}%` }} title={`${Math.round(row.share * 100)} %`} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
