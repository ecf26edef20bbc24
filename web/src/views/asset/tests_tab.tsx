/** The data tests of an asset in the task in view. */
import { useMemo } from "preact/hooks";
import { count } from "../../parts/format";
import { useHistory } from "../../parts/history";
import { State } from "../../parts/look";
import { link } from "../../router";
import { useTests } from "../tests/ran_tests";
import { marksOf } from "../tests/tests";
import { Trend } from "../tests/trend";
import type { OfAsset } from "./asset_tabs";
import { isLeftOut, NotInTask } from "./other_task";

export function TestsTab({ asset, view }: OfAsset) {
  const { rows, error } = useTests();
  const history = useHistory(10).value;
  const marks = useMemo(() => marksOf(history), [history]);
  const own = rows.filter((row) => asset.tests.includes(row.name) || row.asset === asset.name);
  if (error) return <p class="block muted">{error}</p>;
  if (asset.tests.length === 0 && own.length === 0) return <p class="block muted">No data test checks this asset.</p>;
  return (
    <div class="scroll rowsbox" tabIndex={0} role="region" aria-label={`Data tests of ${asset.name}`}>
      {isLeftOut(view) && own.every((row) => row.state === "not run") && <NotInTask name={asset.name} />}
      <table class="table">
        <thead>
          <tr>
            <th>State</th>
            <th>Test</th>
            <th class="num">Rows</th>
            <th class="num">ms</th>
            <th>Last 10 tasks</th>
          </tr>
        </thead>
        <tbody>
          {own.map((row) => (
            <tr key={row.name}>
              <td>
                <State look={row.look} word={row.word} />
              </td>
              <td class="cut shrink" title={row.name}>
                <a href={link("/tests", { test: row.name })}>{row.shortName}</a>
              </td>
              <td class="num">{row.rows === undefined ? "" : row.rows > 0 ? <b class="strong">{count(row.rows)}</b> : "0"}</td>
              <td class="num">{row.durationMs === undefined ? "" : count(row.durationMs)}</td>
              <td>
                <Trend marks={marks.get(row.name) ?? []} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
