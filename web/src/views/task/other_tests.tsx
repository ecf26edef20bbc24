/** The data tests of a task that belong to no node of it: root tests, and tests that were run alone. */
import { computed } from "@preact/signals";
import type { TestResult } from "../../api";
import { counted, duration } from "../../parts/format";
import { lookOf, State, WORDS } from "../../parts/look";
import { withoutStage } from "../../parts/names";
import { link } from "../../router";
import { assets, project, testResults } from "../../store";
import { hasEnded, isEarlier, shownNodes, shownTask } from "./shown_task";

const results = computed<readonly TestResult[]>(() => {
  const task = shownTask.value;
  if (!task) return [];
  const kept = [...(task.rootTestResults ?? []), ...(task.loneTestResults ?? [])];
  if (isEarlier.value) return kept;
  const ofNodes = new Set(shownNodes.value.flatMap((node) => node.testResults.map((result) => result.testName)));
  const names = new Set(kept.map((result) => result.testName));
  for (const name of testResults.value.keys()) if (name.startsWith("root.") && !ofNodes.has(name)) names.add(name);
  if (shownNodes.value.length === 0) for (const name of testResults.value.keys()) names.add(name);
  return [...names].map((name) => testResults.value.get(name)).filter((result) => result !== undefined);
});

/**
 * How many root tests have not run in a task of the whole DAG with tests. Their place is there from the start, so that
 * nothing moves when they do run.
 */
const notRun = computed<number>(() => {
  const nodes = shownNodes.value;
  if (nodes.length < assets.value.size || !nodes.some((node) => node.totalTests > 0)) return 0;
  const ofAssets = [...assets.value.values()].reduce((sum, asset) => sum + asset.tests.length, 0);
  return (project.value?.testCount ?? 0) - ofAssets - results.value.length;
});

export function OtherTests() {
  if (results.value.length === 0 && notRun.value <= 0) return null;
  const alone = results.value.some((result) => !result.testName.startsWith("root."));
  return (
    <section class="card others" aria-label="Root tests">
      <h2>{alone ? "Tests" : "Root tests"}</h2>
      <span class="muted sm nowrap">{alone ? "run alone" : "run after all assets"}</span>
      <ul>
        {results.value.map((result) => (
          <Result key={result.testName} result={result} />
        ))}
        {notRun.value > 0 && <NotRun />}
      </ul>
    </section>
  );
}

function NotRun() {
  return (
    <li class="muted">
      {counted(notRun.value, "test")} {hasEnded.value ? "not run: an asset that they read was not made" : "to run"}
    </li>
  );
}

function Result({ result }: { result: TestResult }) {
  const look = lookOf(result.status);
  return (
    <li>
      <State look={look} word={look === "success" ? "Passed" : WORDS[look]} />
      <a href={link("/tests", { test: result.testName })} title={result.testName}>
        {withoutStage(result.testName)}
      </a>
      {result.rowCount ? <span>{counted(result.rowCount, "row")}</span> : null}
      <span class="faint">{look === "running" ? "" : duration(result.durationMs)}</span>
    </li>
  );
}
