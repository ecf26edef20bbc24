/** The list of data tests. Only the rows in view are elements. */
import { useRef } from "preact/hooks";
import { count, counted } from "../../parts/format";
import { Gap } from "../../parts/gap";
import { State } from "../../parts/look";
import { useInSight, useWindow } from "../../parts/windowed";
import { here, setQuery } from "../../router";
import { Trend } from "./trend";
import type { Mark, TestRow } from "./tests";

interface TestListProps {
  readonly rows: readonly TestRow[];
  readonly chosen: TestRow | undefined;
  readonly marks: ReadonlyMap<string, readonly Mark[]>;
  /** How many tests the filters hide. */
  readonly hidden: number;
  readonly known: boolean;
}

export function TestList({ rows, chosen, marks, hidden, known }: TestListProps) {
  const box = useRef<HTMLDivElement>(null);
  const { from, to } = useWindow(box, rows.length);
  useInSight(box, chosen ? rows.indexOf(chosen) : -1);
  return (
    <div class="scroll rowsbox" ref={box} tabIndex={-1}>
      <table class="table fixed" aria-label="Data tests" aria-rowcount={rows.length + 1}>
        <colgroup>
          <col style={{ width: "120px" }} />
          <col />
          <col style={{ width: "64px" }} />
          <col class="wide" style={{ width: "52px" }} />
          <col style={{ width: "116px" }} />
        </colgroup>
        <thead>
          <tr>
            <th>State</th>
            <th>Test</th>
            <th class="num">Rows</th>
            <th class="num wide">ms</th>
            <th>Last 10 tasks</th>
          </tr>
        </thead>
        <tbody>
          <Gap rows={from} />
          {rows.slice(from, to).map((row, index) => (
            <Row key={row.name} row={row} chosen={row === chosen} place={from + index + 2} marks={marks.get(row.name) ?? []} />
          ))}
          <Gap rows={rows.length - to} />
        </tbody>
      </table>
      {hidden > 0 && (
        <p class="block sm muted hidden-note">
          {counted(hidden, "test")} hidden by filters. <a href={here({ status: null, q: null })}>Show all</a>
        </p>
      )}
      {!known && <p class="block sm faint">The tests are being fetched…</p>}
    </div>
  );
}

interface RowProps {
  readonly row: TestRow;
  readonly chosen: boolean;
  readonly place: number;
  readonly marks: readonly Mark[];
}

function Row({ row, chosen, place, marks }: RowProps) {
  return (
    <tr class={chosen ? "sel" : ""} aria-rowindex={place} onClick={() => setQuery({ test: row.name })}>
      <td>
        <State look={row.look} word={row.word} />
      </td>
      <td class="cut" title={row.name}>
        <a href={here({ test: row.name })} {...(chosen ? { "aria-current": "true" as const } : {})}>
          {row.shortName}
        </a>
        <span class="faint"> · {row.of}</span>
      </td>
      <td class="num">{row.rows === undefined ? "" : row.rows > 0 ? <b class="strong">{count(row.rows)}</b> : "0"}</td>
      <td class="num wide">{row.durationMs === undefined ? "" : count(row.durationMs)}</td>
      <td>
        <Trend marks={marks} />
      </td>
    </tr>
  );
}
