/** A node of the graph that is large enough to read: a button with its name, state, duration and tests. */
import type { Asset } from "../../api";
import { breakpointOf } from "../../breakpoints";
import { counted, duration, ticking } from "../../parts/format";
import { Icon } from "../../parts/icon";
import { State } from "../../parts/look";
import { type AssetView, elapsedMs, pausedAt, viewOf } from "../../store";
import { countsOfStage, inWords, sizeOf } from "./looks";
import type { SceneNode } from "./scene";

interface Props {
  readonly node: SceneNode;
  readonly isSelected: boolean;
  readonly isDim: boolean;
  /** The one node that Tab leads to. */
  readonly isCurrent: boolean;
  /** The columns of it that are on the way of the chosen one, or "". */
  readonly columns?: string;
}

/** Shorter names need no box of their own that cuts them: hundreds of such boxes are most of the work of a frame. */
const SURELY_FITS = 12;

const classes = (...names: (string | false)[]): string => names.filter(Boolean).join(" ");

export function NodeCard({ node, asset, isSelected, isDim, isCurrent, columns = "" }: Props & { readonly asset: Asset }) {
  const view = viewOf(asset);
  const name = node.name.slice(node.stage.length + 1);
  return (
    <button
      type="button"
      class={classes("node", view.isInTask ? view.look : "waiting", isSelected && "sel", isDim && "dim")}
      style={{ left: `${node.x}px`, top: `${node.y}px` }}
      data-node={node.name}
      tabIndex={isCurrent ? 0 : -1}
      {...(isSelected ? { "aria-current": "true" as const } : {})}
    >
      <b class={name.length > SURELY_FITS ? "cut" : ""} title={node.name}>
        {name}
      </b>
      <Mark name={node.name} />
      <span>
        <StateOf name={node.name} view={view} />
        <Took view={view} />
      </span>
      <span>
        {columns ? (
          <span class="oncolumn cut" title={columns}>
            {columns}
          </span>
        ) : (
          <span class="faint">{asset.materialization}</span>
        )}
        <TestBadge view={view} />
      </span>
    </button>
  );
}

/** A red dot where runs hold. */
function Mark({ name }: { name: string }) {
  const when = breakpointOf(name);
  if (when === undefined) return null;
  return (
    <i class="breakpoint" title={`Breakpoint: ${when}`}>
      <span class="vh"> breakpoint: {when}</span>
    </i>
  );
}

/** Its state; where the task holds, that. */
function StateOf({ name, view }: { name: string; view: AssetView }) {
  if (!pausedAt.value.some((paused) => paused.asset === name)) return <State look={view.look} word={view.word} />;
  return (
    <span class="st st-warn">
      <Icon name="paused" />
      Paused
    </span>
  );
}

/** A duration of its own, so that its ticking renders nothing else. */
export function Took({ view }: { view: AssetView }) {
  const { node, durationMs, look } = view;
  if (look === "running" || look === "testing") return <span>{node ? ticking(elapsedMs(node)) : ""}</span>;
  return <span>{durationMs > 0 && (look === "success" || look === "failed") ? duration(durationMs) : ""}</span>;
}

/** How an asset's tests stand: failed of total, passed of total, or how many there are. */
export function TestBadge({ view: { totalTests, passedTests, failedTests, look } }: { view: AssetView }) {
  if (totalTests === 0) return null;
  if (failedTests > 0) {
    return (
      <span class="badge failed" title={`${failedTests} of ${totalTests} tests failed`}>
        <Icon name="failed" />
        {failedTests} of {totalTests}
        <span class="vh"> tests failed</span>
      </span>
    );
  }
  const hasRun = look === "success" || look === "testing" || passedTests > 0;
  return (
    <span class="badge" title={`${passedTests} of ${totalTests} tests passed`}>
      <Icon name="testing" />
      {hasRun ? `${passedTests}/${totalTests}` : totalTests}
      <span class="vh">{hasRun ? " tests passed" : " tests"}</span>
    </span>
  );
}

/** A collapsed stage: what is in it, and how it stands. */
export function StageCard({ node, isDim, isCurrent }: Props) {
  const of = countsOfStage(node.stage);
  return (
    <button
      type="button"
      class={classes("node", "whole", of.failed > 0 && "failed", isDim && "dim")}
      style={{ left: `${node.x}px`, top: `${node.y}px` }}
      data-node={node.name}
      tabIndex={isCurrent ? 0 : -1}
      aria-expanded="false"
    >
      <b class="cut">{node.name}</b>
      <span>{counted(sizeOf(of), "asset")}</span>
      <span>
        <span class="cut" title={inWords(of)}>
          {inWords(of)}
        </span>
      </span>
    </button>
  );
}
