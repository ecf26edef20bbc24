/** What failed first, up front: the first rows that a test found or the error, and what is blocked because of it. */
import { useEffect, useState } from "preact/hooks";
import { api, get, type TestResult } from "../../api";
import { count, counted, duration } from "../../parts/format";
import { Icon } from "../../parts/icon";
import { assetPath, here, link } from "../../router";
import { shownNodes, shownTask } from "./shown_task";
import { type Failure, failuresOf, reasonOf, shortName } from "./task_words";

const SHOWN = 2;
const BLOCKED_SHOWN = 6;
const COLUMNS_SHOWN = 5;

export function Failures() {
  const task = shownTask.value;
  const failures = task ? failuresOf(task, shownNodes.value) : [];
  if (failures.length === 0) return null;
  const more = failures.length - SHOWN;
  return (
    <div class={failures.length === 1 ? "failures" : "failures twocol"}>
      {failures.slice(0, SHOWN).map((failure, index) => (
        <FailureAlert key={failure.asset || failure.tests[0]?.testName} failure={failure} index={index} more={index === SHOWN - 1 ? more : 0} />
      ))}
    </div>
  );
}

function FailureAlert({ failure, index, more }: { failure: Failure; index: number; more: number }) {
  const [test] = failure.tests;
  const title = index === 0 ? "First failure" : "Then";
  return (
    <section class="alert failure" aria-label={title}>
      <div class="row">
        <span class="st st-failed strong">
          <Icon name="failed" />
          {title}
        </span>
        <Where failure={failure} />
        <span class="muted cut grow">
          {reasonOf(failure)}
          {failure.executionMs > 0 && `${reasonOf(failure) && ", "}${duration(failure.executionMs)} into its work`}
        </span>
        {more > 0 && <a href={here({ state: "failed" })}>and {counted(more, "more failure", "more failures")}</a>}
      </div>
      {test && !failure.message ? <FailedTest failure={failure} test={test} /> : <Message failure={failure} />}
    </section>
  );
}

function Where({ failure }: { failure: Failure }) {
  const [test] = failure.tests;
  if (failure.asset) {
    return (
      <a class="strong cut" href={link(assetPath(failure.asset))}>
        {failure.asset}
      </a>
    );
  }
  return <span class="strong">{test?.testName.startsWith("root.") ? "a root test" : "a test run alone"}</span>;
}

function Blocked({ names }: { names: readonly string[] }) {
  if (names.length === 0) return null;
  const shown = names.slice(0, BLOCKED_SHOWN);
  return (
    <p class="sm blocked">
      Blocked because of it:{" "}
      {shown.map((name, index) => (
        <>
          {index > 0 && ", "}
          <a key={name} href={link(assetPath(name))} title={name}>
            {shortName(name)}
          </a>
        </>
      ))}
      {names.length > shown.length && (
        <>
          {" "}
          and <a href={here({ state: "skipped" })}>{count(names.length - shown.length)} more</a>
        </>
      )}
    </p>
  );
}

/** Why a node could not be made: the server's message, which can be long. */
function Message({ failure }: { failure: Failure }) {
  return (
    <div class="what">
      <div>
        <pre class="mono message" tabIndex={0}>
          {failure.message}
        </pre>
        <Blocked names={failure.blocked} />
      </div>
      <a class="sm" href={link("/logs", { asset: failure.asset })}>
        Its log
      </a>
    </div>
  );
}

interface Found {
  readonly description: string;
  readonly columns: readonly string[];
  readonly row: readonly unknown[];
}

function FailedTest({ failure, test }: { failure: Failure; test: TestResult }) {
  const found = useFirstRow(test);
  const to = link("/tests", { test: test.testName });
  const rows = test.rowCount ?? 0;
  return (
    <div class="what">
      <div>
        <p>
          <a class="strong" href={to} title={test.testName}>
            {shortName(test.testName)}
          </a>
        </p>
        <p class="muted sm description">{found?.description || " "}</p>
        {rows === 0 && <p class="mono">{test.error}</p>}
        <Blocked names={failure.blocked} />
      </div>
      {rows > 0 && (
        <div class="found">
          <FirstRow found={found} />
          <p class="sm">
            <a href={to}>{rows === 1 ? "Open the row" : `and ${count(rows - 1)} more ${rows === 2 ? "row" : "rows"}`}</a>
          </p>
        </div>
      )}
    </div>
  );
}

function FirstRow({ found }: { found: Found | null }) {
  const columns = found?.columns.slice(0, COLUMNS_SHOWN) ?? [];
  const isNumber = (index: number): boolean => typeof found?.row[index] === "number" || /^-?\d+(\.\d+)?$/.test(String(found?.row[index]));
  return (
    <table class="table first-row" aria-label="The first row that the test found">
      <thead>
        <tr>
          {columns.map((column, index) => (
            <th key={column} scope="col" class={isNumber(index) ? "num" : ""}>
              {column}
            </th>
          ))}
          {columns.length === 0 && <th> </th>}
        </tr>
      </thead>
      <tbody>
        <tr>
          {columns.map((column, index) => (
            <td key={column} class={isNumber(index) ? "mono num" : "mono"}>
              <Cell value={found!.row[index]} />
            </td>
          ))}
          {columns.length === 0 && <td class="muted">{found ? "The rows are not kept any more." : ""}</td>}
        </tr>
      </tbody>
    </table>
  );
}

function Cell({ value }: { value: unknown }) {
  if (value === null || value === undefined) return <span class="null">NULL</span>;
  if (value === "") return <span class="empty">empty text</span>;
  return <>{typeof value === "object" ? JSON.stringify(value) : String(value)}</>;
}

/** The first row that a test found in the attempt in view; null while it is fetched. */
function useFirstRow(test: TestResult): Found | null {
  const [found, take] = useState<Found | null>(null);
  const id = shownTask.value?.taskId ?? "";
  const attempt = shownTask.value?.attempt;
  useEffect(() => {
    const stop = new AbortController();
    const query = { taskId: id, attempt, limit: 1, format: "arrays" };
    get<Answer>(api`/api/tests/data/${test.testName}`, query, stop.signal).then(
      (answer) => take(answer && foundIn(answer)),
      () => take(null),
    );
    return () => stop.abort();
  }, [id, attempt, test.testName, test.rowCount]);
  return found;
}

interface Answer {
  readonly description?: string;
  readonly columns?: readonly (string | { readonly name: string })[];
  readonly rows?: readonly (readonly unknown[])[];
  readonly data?: readonly Readonly<Record<string, unknown>>[];
}

function foundIn({ description = "", columns = [], rows, data }: Answer): Found {
  const names = columns.map((column) => (typeof column === "string" ? column : column.name));
  const row = rows?.[0] ?? names.map((name) => data?.[0]?.[name]);
  return { description, columns: rows?.length || data?.length ? names : [], row };
}
