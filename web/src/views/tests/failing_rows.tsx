/** The rows that violate a data test, as they were kept with the task. */
import { useRef } from "preact/hooks";
import { api } from "../../api";
import { Grid } from "../../grid/grid";
import { useOwnWanted } from "../../grid/use_grid";
import type { Fetched } from "../../parts/fetched";
import { useKeys } from "../../keys";
import { counted } from "../../parts/format";
import { whyNotRun } from "../../parts/node_message";
import { Said } from "../../parts/said";
import { here, param } from "../../router";
import { taskId } from "../../store";
import { comparedWords, type Ledger } from "./ledger";
import { BecameChips, LedgerRows } from "./ledger_rows";
import type { TestRow } from "./tests";

export function FailingRows({ row, ledger }: { row: TestRow; ledger: Fetched<Ledger> }) {
  const rows = row.rows ?? 0;
  const path = api`/api/tests/data/${row.name}`;
  useOwnWanted(path);
  const box = useRef<HTMLDivElement>(null);
  useKeys({ Enter: (event) => (onControl(event) ? false : box.current?.querySelector<HTMLElement>("[role=grid], [tabindex]")?.focus()) });
  const found = ledger.value;
  const compared = found?.comparedWith !== undefined && found.taskId === taskId.value && found.groups.length > 0 ? found : undefined;
  if (rows === 0 && !(compared && row.state === "passed")) return <NoRows row={row} />;
  const isPending = !ledger.error && found?.taskId !== taskId.value;
  const asGrid = rows > 0 && !isPending && (!compared || param("show") === "rows" || param("sort") !== "" || param("filter") !== "");
  return (
    <>
      <div class="tools rowsbar">
        <h2>{counted(rows, "row fails", "rows fail")}</h2>
        {compared && !asGrid && <BecameChips ledger={compared} />}
        <span class="muted sm cut grow" title={compared && !asGrid ? comparedWords(compared) : undefined}>
          {compared && !asGrid ? comparedWords(compared) : notes(row)}
        </span>
        {compared && rows > 0 && (
          <a class="btn quiet" href={here({ show: asGrid ? null : "rows", became: null, sort: null, filter: null })}>
            {asGrid ? "Show the ledger" : "Sort, filter, download"}
          </a>
        )}
      </div>
      <div class="col rowshere" ref={box}>
        {compared && !asGrid ? (
          <LedgerRows ledger={compared} label={`Ledger of ${row.name}`} />
        ) : isPending ? null : (
          <Grid key={path} source={{ path, query: { taskId: taskId.value }, label: `Rows that violate ${row.name}`, version: row.durationMs, besideSearch: true }} />
        )}
      </div>
    </>
  );
}

function onControl(event: KeyboardEvent): boolean {
  return event.target instanceof Element && event.target.closest("a, button, input, select, summary, [role=grid]") !== null;
}

function notes(row: TestRow): string {
  const said = [];
  if (row.keptRows !== undefined && row.keptRows < (row.rows ?? 0)) said.push(`the first ${counted(row.keptRows, "row")} of them kept`);
  if (row.mask.length > 0) said.push(`${row.mask.join(", ")} masked: ${row.mask.length === 1 ? "its values are" : "their values are"} never kept`);
  return said.join("; ");
}

function NoRows({ row }: { row: TestRow }) {
  if (row.error) {
    return (
      <div class="block norows">
        <div class="alert warn">
          <b class="strong">The test could not run</b>, so nothing is known of the rows
          <Said text={whyNotRun(row.error)} />
        </div>
      </div>
    );
  }
  const words = {
    passed: "0 rows: the query found nothing that violates the test.",
    failed: "The rows are being fetched…",
    "not run": "The test did not run in this task: its asset failed or was skipped, or the task left it out.",
    running: "The test is running…",
  };
  return <p class="block muted norows">{words[row.state]}</p>;
}
