/** The rows that violate a data test, as they were kept with the task. */
import { useRef } from "preact/hooks";
import { api, asking } from "../../api";
import { useKeys } from "../../keys";
import { useFetched } from "../../parts/fetched";
import { counted } from "../../parts/format";
import { RowsTable } from "../../parts/rows_table";
import { Said } from "../../parts/said";
import { taskId } from "../../store";
import type { TestRow } from "./tests";

/** A page of GET /api/tests/data/{testName}. */
interface TestData {
  readonly columns: readonly string[];
  readonly data: readonly Readonly<Record<string, unknown>>[];
  readonly rowCount: number;
  readonly keptRows: number;
}

const ROWS = 1_000;

export function FailingRows({ row }: { row: TestRow }) {
  const rows = row.rows ?? 0;
  const address = rows > 0 ? asking(api`/api/tests/data/${row.name}`, { taskId: taskId.value, limit: ROWS }) : "";
  const { value, error } = useFetched<TestData>(address, row.durationMs);
  const box = useRef<HTMLDivElement>(null);
  useKeys({ Enter: (event) => (onControl(event) ? false : box.current?.querySelector<HTMLElement>("[tabindex]")?.focus()) });
  if (rows === 0) return <NoRows row={row} />;
  return (
    <>
      <div class="tools rowsbar">
        <h2>{counted(rows, "row fails", "rows fail")}</h2>
        <span class="muted sm cut">{notes(row, value)}</span>
        <span class="grow" />
        <a class="btn quiet" href={asking(api`/api/tests/data/${row.name}/download`, { as: "csv", taskId: taskId.value })} download>
          CSV
        </a>
      </div>
      {error ? (
        <p class="block muted">{error}</p>
      ) : (
        <div class="col rowshere" ref={box}>
          {value && <RowsTable label={`Rows that violate ${row.name}`} columns={value.columns} rows={value.data} />}
        </div>
      )}
    </>
  );
}

function onControl(event: KeyboardEvent): boolean {
  return event.target instanceof Element && event.target.closest("a, button, input, summary") !== null;
}

function notes(row: TestRow, value: TestData | null | undefined): string {
  const said = [];
  if (value && value.keptRows < value.rowCount) said.push(`the first ${counted(value.keptRows, "row")} of them kept`);
  if (row.mask.length > 0) said.push(`${row.mask.join(", ")} masked: ${row.mask.length === 1 ? "its values are" : "their values are"} never kept`);
  return said.join("; ");
}

function NoRows({ row }: { row: TestRow }) {
  if (row.error) {
    return (
      <div class="block norows">
        <div class="alert warn">
          <b class="strong">The test could not run</b>, so nothing is known of the rows
          <Said text={row.error.replace(/^could not run: /, "")} />
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
