/** Beside the graph while nothing has run: the one thing to do. */
import { Fragment } from "preact";
import { counted } from "../../parts/format";
import { parametersOf } from "../../parts/parameters";
import { RunButton } from "../../parts/run_button";
import { runAssets } from "../../run";
import { openRun } from "../../shell/dialogs";
import { assets, project } from "../../store";

export function NeverRun() {
  return (
    <aside class="panel" aria-label="Nothing has run yet">
      <header>
        <h1>Nothing has run yet</h1>
      </header>
      <div class="block emptystate"><Start /></div>
    </aside>
  );
}

function Start() {
  const facts = project.value;
  const command = `curl -s ${window.location.origin}/api/dag/run \\\n  -H 'Content-Type: application/json' \\\n  -d '{"taskId": "first"}'`;
  return (
    <>
      <p class="muted">
        {counted(assets.value.size, "asset")} and {counted(facts?.testCount ?? 0, "test")} are loaded from{" "}
        <span class="mono">{facts?.projectName}</span>. A run makes their tables and views.
      </p>
      {facts?.readOnly ? (
        <p>This server is read-only: run the project where it is not.</p>
      ) : (
        <>
          <RunButton class="btn primary start" onRun={() => runAssets()}>
            Run all {counted(assets.value.size, "asset")} <kbd>r</kbd>
          </RunButton>
          <p class="muted">Or from a terminal:</p>
          <pre class="value">{command}</pre>
          <Parameters />
        </>
      )}
    </>
  );
}

/** What the templates read from the run's data. */
function Parameters() {
  const parameters = parametersOf(assets.value.values());
  if (parameters.length === 0) return null;
  return (
    <>
      <p class="muted">
        Parameters with defaults; <RunWith /> others:
      </p>
      <dl class="kv">
        {parameters.map(({ name, fallback, asset }) => (
          <Fragment key={name}>
            <dt class="mono">
              {name}
            </dt>
            <dd>
              {fallback || "no default"}, read by <span class="mono">{asset}</span>
            </dd>
          </Fragment>
        ))}
      </dl>
    </>
  );
}

const RunWith = () => (
  <button type="button" class="link" onClick={() => openRun()}>
    run with
  </button>
);
