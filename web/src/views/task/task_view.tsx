/** The task view: how a task went, what failed first, and how each node spent its time. */
import "./task.css";
import { useEffect } from "preact/hooks";
import { duration } from "../../parts/format";
import { link } from "../../router";
import { taskError } from "../../store";
import { Failures } from "./failures";
import { NodeTable } from "./node_table";
import { OtherTests } from "./other_tests";
import { attemptError, followTask, isEarlier, path, shownNodes, shownTask } from "./shown_task";
import { TaskTitle } from "./task_title";
import { pathInWords } from "./task_words";

export function TaskView() {
  useEffect(followTask, []);
  const error = taskError.value || (isEarlier.value ? attemptError.value : "");
  if (error) return <Missing error={error} />;
  return (
    <main class="view" id="main">
      <TaskTitle />
      <div class="page taskpage">
        <Failures />
        {shownNodes.value.length > 0 && <NodeTable />}
        <OtherTests />
        {shownTask.value && shownNodes.value.length === 0 && <NoNodes />}
      </div>
      <Foot />
    </main>
  );
}

function Missing({ error }: { error: string }) {
  return (
    <main class="view" id="main">
      <div class="tools" />
      <div class="page">
        <div class="emptystate">
          <h1>{error}</h1>
          <p class="muted">It may have been deleted by a reset or by the retention of old tasks.</p>
          <p>
            <a href={link("/history", { task: null })}>Open the history</a>
          </p>
        </div>
      </div>
    </main>
  );
}

function NoNodes() {
  return <p class="muted">This task executed no asset: its tests ran by themselves.</p>;
}

function Foot() {
  const critical = path.value;
  return (
    <footer class="foot">
      {shownNodes.value.length > 0 && (
        <>
          <span>↑ ↓ node</span>
          <span>Enter opens</span>
          <span>f failed only</span>
        </>
      )}
      {critical && (
        <span class="cut">
          Critical path: {pathInWords(critical.names)}
          {critical.queued > 0 ? `; ${duration(critical.queued)} of it waited for a worker` : "; none of it waited for a worker"}
        </span>
      )}
    </footer>
  );
}
