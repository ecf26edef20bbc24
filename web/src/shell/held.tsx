/** In the task bar: where the task holds, and how it continues. */
import { Icon } from "../parts/icon";
import { RunButton } from "../parts/run_button";
import { assetPath, link } from "../router";
import { cancelTask, continueTask } from "../run";
import { pausedAt, project, taskId } from "../store";

export function HeldAt() {
  const [paused, ...others] = pausedAt.value;
  if (!paused) return null;
  return (
    <span class="st st-warn cut" role="status" title={paused.when}>
      <Icon name="paused" />
      <span class="cut">
        Paused {paused.when === "before" ? "before" : "after"} <a href={link(assetPath(paused.asset))}>{paused.asset}</a>
        {others.length > 0 && ` and at ${others.length} more`}
      </span>
    </span>
  );
}

export function HeldButtons() {
  const [paused] = pausedAt.value;
  if (!paused) return null;
  const { asset, when } = paused;
  const how = (action: "continue" | "again" | "skip") => () => continueTask(taskId.value, asset, action);
  const isBefore = when === "before";
  return (
    <>
      <RunButton class="btn primary" label={`Continue at ${asset}`} onRun={how("continue")}>
        Continue
      </RunButton>
      {!isBefore && (
        <RunButton label={project.value?.reload ? `Execute ${asset} again, as its file is now` : `Execute ${asset} again`} onRun={how("again")}>
          Run again
        </RunButton>
      )}
      <RunButton label={isBefore ? `Do not execute ${asset}` : `Continue, also if ${asset} failed`} onRun={how("skip")}>
        Skip
      </RunButton>
      <RunButton label="Cancel the task" onRun={() => cancelTask(taskId.value)}>
        Stop
      </RunButton>
    </>
  );
}
