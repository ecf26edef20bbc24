/** The data tests of the task in view, live. */
import { useComputed } from "@preact/signals";
import { useMemo } from "preact/hooks";
import { api, type DataTest, type TestOfTask } from "../../api";
import { useFetched } from "../../parts/fetched";
import { assets, project, runs, taskId, testResults } from "../../store";
import { type TestRow, testRows } from "./tests";

interface RanTests {
  readonly rows: readonly TestRow[];
  /** False until the project's tests are known. */
  readonly known: boolean;
  readonly error: string;
}

/** The rows by name. */
export function useTests(): RanTests {
  const id = taskId.value;
  const tests = useFetched<{ tests: readonly DataTest[] }>("/api/tests", project.value?.loadedTimeMs);
  const version = useComputed(() => [testResults.value, runs.value]);
  const ofTask = useFetched<{ tests: readonly TestOfTask[] }>(id ? api`/api/tests/results/${id}` : "", version.value);
  const sources = [tests.value, ofTask.value, testResults.value, assets.value] as const;
  const rows = useMemo(() => {
    const [all, kept, live, known] = sources;
    return testRows({ tests: all?.tests ?? [], ofTask: kept?.tests ?? [], live, assets: known });
  }, sources);
  return { rows, known: tests.value !== undefined && (!id || ofTask.value !== undefined || !!ofTask.error), error: tests.error };
}
