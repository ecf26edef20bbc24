/** The plan of a statement, with the time that each operator took, alone or beside the plan before. */
import { count } from "../../parts/format";
import { Changed, isOther } from "./changed";
import { planRows } from "./plan";
import type { PlanNode } from "./shapes";

export function Plan({ tree }: { tree: PlanNode }) {
  const rows = planRows(tree);
  if (rows.length === 0) return null;
  return (
    <div class="plan" tabIndex={0} role="region" aria-label="Plan">
      <table class="table">
        <thead>
          <tr>
            <th class="operator">Plan, from the result to what it reads</th>
            <th class="num">Rows</th>
            <th class="num">ms</th>
            <th class="share">Share</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row, index) => (
            <tr key={index} class={row.change === "gone" ? "gone" : undefined}>
              <td class="operator" title={row.detail} style={{ paddingLeft: `calc(var(--sp-2) + ${row.depth} * var(--indent))` }}>
                <span>{row.name}</span>
                <Changed change={row.change} />
                {row.detail && <span class="faint"> {row.detail}</span>}
              </td>
              <Figure now={row.rows} before={row.rowsBefore} written={count} isCompared={isOther(row.change)} />
              <Figure now={row.durationMs} before={row.durationMsBefore} written={milliseconds} isCompared={isOther(row.change)} />
              <td class="share">
                {row.durationMs !== undefined && (
                  <div>
                    <span class="part">
                      <span class="bar" style={{ width: `${row.share * 100}%` }} />
                    </span>
                    <span class="num xs">{Math.round(row.share * 100)} %</span>
                  </div>
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

const milliseconds = (ms: number): string => ms.toFixed(ms < 10 ? 2 : 0);

interface Both {
  readonly now: number | undefined;
  readonly before: number | undefined;
  readonly written: (value: number) => string;
  readonly isCompared: boolean;
}

function Figure({ now, before, written, isCompared }: Both) {
  return (
    <td class="num">
      {now !== undefined && written(now)}
      {isCompared && before !== undefined && written(before) !== (now === undefined ? "" : written(now)) && <span class="was faint xs">was {written(before)}</span>}
    </td>
  );
}
