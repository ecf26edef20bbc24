/** The Tests view: what failed, with its rows. */
import { useMemo, useRef } from "preact/hooks";
import { useKeys } from "../../keys";
import { FilterChip } from "../../parts/filter_chip";
import { Icon } from "../../parts/icon";
import { type Look, State } from "../../parts/look";
import { useHistory } from "../../parts/history";
import { here, param, setQuery } from "../../router";
import { runs, summary, taskId } from "../../store";
import { useTests } from "./ran_tests";
import { TestDetail } from "./test_detail";
import { TestList } from "./test_list";
import { countsOf, inOrder, inOrderBefore, lastWithMore, type Mark, marksOf, matching, STATE_WORDS, type TestRow, type TestState } from "./tests";
import "./tests.css";

const TASKS_SHOWN = 10;
const CHIPS: readonly [TestState, Look][] = [
  ["failed", "failed"],
  ["not run", "skipped"],
  ["passed", "success"],
];

export function TestsView() {
  const { rows, known, error } = useTests();
  const history = useHistory(TASKS_SHOWN).value;
  const marks = useMemo(() => marksOf(history), [history]);
  const status = param("status");
  const running = runs.value;
  const alone = summary.value?.totalAssets === 0;
  const before = useRef<ReadonlyMap<string, number>>(new Map());
  const ordered = useMemo(() => (alone ? inOrderBefore(rows, before.current) : inOrder(rows, running)), [rows, running, alone]);
  if (known && !alone) before.current = new Map(ordered.map((row, index) => [row.name, index]));
  const found = useMemo(() => matching(ordered, status, param("q")), [ordered, status, param("q")]);
  const chosen = found.find((row) => row.name === param("test")) ?? found[0];
  const search = useRef<HTMLInputElement>(null);
  const choose = (row: TestRow | undefined): void => row && setQuery({ test: row.name }, { replace: true });
  const step = (by: number): void => choose(found[(chosen ? found.indexOf(chosen) : -1) + by]);
  useKeys({
    ArrowDown: (event) => (inBox(event) ? false : step(1)),
    ArrowUp: (event) => (inBox(event) ? false : step(-1)),
    f: () => setQuery({ status: status === "failed" ? null : "failed" }),
    "/": () => search.current?.focus(),
    Escape: () => (document.activeElement === search.current ? search.current?.blur() : false),
  });
  if (known && rows.length === 0) return <NoTests error={error} />;
  return (
    <main class="view" id="main">
      <Tools rows={rows} status={status} search={search} alone={alone} marks={marks} />
      <div class="testsplit">
        <TestList rows={found} chosen={chosen} marks={marks} hidden={rows.length - found.length} known={known} />
        {chosen ? <TestDetail key={chosen.name} row={chosen} marks={marks.get(chosen.name) ?? []} /> : <NoneFound known={known} />}
      </div>
      <Foot />
    </main>
  );
}

/** Arrows scroll a box that has the focus. */
function inBox(event: KeyboardEvent): boolean {
  return event.target instanceof Element && event.target.closest(".codebox, .rowsbox, [role=grid]") !== null;
}

interface ToolsProps {
  readonly rows: readonly TestRow[];
  readonly status: string;
  readonly search: { current: HTMLInputElement | null };
  readonly alone: boolean;
  readonly marks: ReadonlyMap<string, readonly Mark[]>;
}

function Tools({ rows, status, search, alone, marks }: ToolsProps) {
  const counts = countsOf(rows);
  const set = (name: string): void => setQuery({ status: name === status ? null : name });
  return (
    <div class="tools" role="toolbar" aria-label="Filters">
      <FilterChip isOn={!status} toggle={() => set("")}>
        All <b>{rows.length}</b>
      </FilterChip>
      {CHIPS.map(([name, look]) => (
        <FilterChip key={name} isOn={status === name} toggle={() => set(name)}>
          <State look={look} word={STATE_WORDS[name]} />
          <b>{counts[name]}</b>
        </FilterChip>
      ))}
      <label class="input findtest">
        <Icon name="search" />
        <input
          ref={search}
          type="search"
          aria-label="Find a test"
          placeholder="Find a test"
          value={param("q")}
          onInput={(event) => setQuery({ q: event.currentTarget.value }, { replace: true })}
        />
      </label>
      {counts.running > 0 && (
        <span class="sm">
          <State look="testing" word={`${counts.running} running`} />
        </span>
      )}
      {alone && <RanAlone ran={rows.length - counts["not run"]} marks={marks} />}
    </div>
  );
}

/** Why most tests did not run, and the way back to the task that ran them. */
function RanAlone({ ran, marks }: { ran: number; marks: ReadonlyMap<string, readonly Mark[]> }) {
  const before = lastWithMore(marks, ran);
  return (
    <span class="sm muted cut">
      {taskId.value} ran {ran > 1 ? `only ${ran} tests` : "this test only"}
      {before && (
        <>
          . <a href={here({ task: before })}>See {before}</a>, which ran more
        </>
      )}
    </span>
  );
}

function NoTests({ error }: { error: string }) {
  return (
    <main class="view" id="main">
      <div class="page">
        <div class="emptystate">
          <h1>{error ? "The tests could not be fetched" : "The project has no data tests"}</h1>
          <p class="muted">
            {error || "A data test is a query whose rows are violations: it passes if the query returns no rows. Put it into a file below assets/tests/."}
          </p>
        </div>
      </div>
    </main>
  );
}

function NoneFound({ known }: { known: boolean }) {
  return (
    <section class="panel" aria-label="No test">
      <header>
        <h1>{known ? "No test matches the filters" : "Tests"}</h1>
      </header>
    </section>
  );
}

function Foot() {
  return (
    <div class="foot">
      <span>↑ ↓ test</span>
      <span>Enter: its rows</span>
      <a href={here({ status: param("status") === "failed" ? null : "failed" })}>f failed only</a>
      <span>r run it</span>
      <span class="grow" />
      <span>
        <i class="tr ok key" /> passed
      </span>
      <span>
        <i class="tr bad key" /> found rows
      </span>
      <span>
        <i class="tr odd key" /> could not run
      </span>
      <span>
        <i class="tr none key" /> not run
      </span>
    </div>
  );
}
