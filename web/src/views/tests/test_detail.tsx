/** One data test: what it checks, what it found in each task, its SQL, and the rows. */
import { useComputed } from "@preact/signals";
import { api, asking } from "../../api";
import { useKeys } from "../../keys";
import { Code, type CodeLine, textOf } from "../../parts/code";
import { Copy } from "../../parts/copy";
import { useFetched } from "../../parts/fetched";
import { duration } from "../../parts/format";
import { State } from "../../parts/look";
import { MarkdownText } from "../../parts/markdown_text";
import { withoutStage } from "../../parts/names";
import { RunButton } from "../../parts/run_button";
import { assetPath, link, namedTask, param, setQuery } from "../../router";
import { runTest } from "../../run";
import { canRun, project, tasks } from "../../store";
import { Steps } from "../steps/steps";
import { FailingRows } from "./failing_rows";
import type { Ledger } from "./ledger";
import { RowsByTask } from "./trend";
import type { Mark, TestRow } from "./tests";

interface TestSql {
  readonly path: string;
  readonly firstLine: number;
  readonly select: readonly CodeLine[];
  readonly sql: readonly CodeLine[];
}

const linkOfAsset = (asset: string): string => link(assetPath(asset));

export function TestDetail({ row, marks }: { row: TestRow; marks: readonly Mark[] }) {
  const ended = useComputed(() => tasks.value.map((task) => `${task.taskId} ${task.status}`).join());
  const ledger = useFetched<Ledger>(asking(api`/api/tests/ledger/${row.name}`, { taskId: namedTask.value }), [ended.value, row.durationMs].join());
  const run = (): void => void (canRun.value && runTest(row.name));
  useKeys({ r: run });
  return (
    <section class="panel testpanel" aria-label={row.name}>
      <header>
        <div class="row">
          <h1 class="cut grow" title={row.name}>
            {withoutStage(row.name)}
          </h1>
          <State look={row.look} word={row.word} />
          <RunButton onRun={run}>
            Run this test <kbd>r</kbd>
          </RunButton>
        </div>
        <div class="muted about">
          {row.description && <MarkdownText text={row.description} />}
          <p class="faint">
            {row.description && "· "}
            {row.asset ? (
              <>
                of <a href={linkOfAsset(row.asset)}>{row.asset}</a>
              </>
            ) : (
              `of ${row.of === "no asset" ? "no asset: it never runs with the DAG" : "the whole project: it runs after all assets"}`
            )}
            {row.durationMs !== undefined && `, ${duration(row.durationMs)}`}
          </p>
        </div>
      </header>
      {marks.length > 0 && (
        <div class="block plotblock">
          <h2 class="caption">
            Failing rows by task
            <span class="legend">
              <i class="filled" /> new <i /> there before
            </span>
          </h2>
          <RowsByTask marks={marks} ledger={ledger.value ?? undefined} />
        </div>
      )}
      <Sql name={row.name} />
      <FailingRows row={row} ledger={ledger} />
    </section>
  );
}

function Sql({ name }: { name: string }) {
  const { value, error } = useFetched<TestSql>(api`/api/tests/${name}/sql`, project.value?.loadedTimeMs);
  if (error) return <p class="block muted testcode">{error}</p>;
  const inSteps = param("sql") === "steps";
  return (
    <div class="testcode">
      <div class="row block">
        <span class="seg small" role="group" aria-label="How the query is shown">
          <button type="button" aria-pressed={!inSteps} onClick={() => setQuery({ sql: null, step: null })}>
            SQL
          </button>
          <button type="button" aria-pressed={inSteps} onClick={() => setQuery({ sql: "steps" })}>
            Steps
          </button>
        </span>
      </div>
      {inSteps && <Steps path={api`/api/tests/${name}/steps`} name={name} version={project.value?.loadedTimeMs} isTest />}
      {value && !inSteps && (
        <>
          <Code lines={value.sql} label={`SQL of ${name}`} linkOf={linkOfAsset} />
          <Copy text={() => textOf(value.sql)} what="Copy the SQL" />
        </>
      )}
    </div>
  );
}
