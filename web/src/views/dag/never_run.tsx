/** Beside the graph while nothing has run: the one thing to do. */
import { counted } from "../../parts/format";
import { runAssets } from "../../run";
import { assets, canRun, project } from "../../store";

export function NeverRun() {
  const facts = project.value;
  const command = `curl -s ${window.location.origin}/api/dag/run \\\n  -H 'Content-Type: application/json' \\\n  -d '{"taskId": "first"}'`;
  return (
    <aside class="panel" aria-label="Nothing has run yet">
      <header>
        <h1>Nothing has run yet</h1>
      </header>
      <div class="block emptystate">
        <p class="muted">
          {counted(assets.value.size, "asset")} and {counted(facts?.testCount ?? 0, "test")} are loaded from{" "}
          <span class="mono">{facts?.projectName}</span>. A run makes their tables and views.
        </p>
        {facts?.readOnly ? (
          <p>This server is read-only: run the project where it is not.</p>
        ) : (
          <button type="button" class="btn primary start" aria-disabled={!canRun.value || undefined} onClick={() => canRun.value && void runAssets()}>
            Run all {counted(assets.value.size, "asset")} <kbd>r</kbd>
          </button>
        )}
        <p class="muted">Or from a terminal:</p>
        <pre class="value">{command}</pre>
      </div>
    </aside>
  );
}
