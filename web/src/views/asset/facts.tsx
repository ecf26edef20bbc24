/** What an asset reads, who reads it, what it makes, and how long that took. */
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import type { Asset } from "../../api";
import { reached } from "../../graph";
import { counted, duration, ticking } from "../../parts/format";
import { lookOf } from "../../parts/look";
import { assets, type AssetView, elapsedMs, nodeOf } from "../../store";
import { linkOfAsset } from "./shapes";

/** Names that are shown at once: beside the graph there is little room. */
const NAMES = 3;
const NAMES_BLOCKED = 1;

export function Facts({ asset, view }: { asset: Asset; view: AssetView }) {
  const blocked = view.node?.state === "FAILED" ? skippedBehind(asset.name) : [];
  return (
    <div class="block">
      <dl class="kv">
        {blocked.length > 0 && <Fact name="Blocks" value={<Names names={blocked} most={NAMES_BLOCKED} />} />}
        <Fact name="Reads" value={<Names names={asset.upstreams} />} />
        <Fact name="Read by" value={<Names names={asset.downstreams} />} />
        <Fact name="Makes" value={makes(asset, view)} />
        <Fact name="Took" value={<Took view={view} />} />
      </dl>
    </div>
  );
}

function Fact({ name, value }: { name: string; value: ComponentChildren }) {
  return (
    <>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </>
  );
}

/** Downstreams that will not run in this task. */
function skippedBehind(name: string): string[] {
  return [...reached(assets.value, name, "downstreams")].filter((one) => {
    if (one === name) return false;
    const node = nodeOf(one).value;
    return node && lookOf(node.state, node.message) === "skipped";
  });
}

/** Links to assets; of many, the first ones until all are asked for. */
function Names({ names, most = NAMES }: { names: readonly string[]; most?: number }) {
  const [all, showAll] = useState(false);
  if (names.length === 0) return <>no asset</>;
  const shown = all || names.length <= most + 1 ? names : names.slice(0, most);
  return (
    <>
      {shown.map((name, index) => (
        <span key={name}>
          {index > 0 && ", "}
          <a href={linkOfAsset(name)}>{name}</a>
        </span>
      ))}
      {shown.length < names.length && (
        <>
          {" and "}
          <button type="button" class="more" onClick={() => showAll(true)}>
            {names.length - shown.length} more
          </button>
        </>
      )}
    </>
  );
}

function makes(asset: Asset, view: AssetView): string {
  const rows = view.node?.rows;
  const counts = rows === undefined ? "" : `, ${counted(rows, "row")}`;
  if (asset.materialization === "raw") return `what its Python returns${counts}`;
  const what = asset.materialization === "custom" ? "what its own statements make" : asset.materialization;
  return `${what} in ${asset.connectionName}${asset.isDataFramed ? ", rows kept with the task" : ""}${counts && `${counts} written`}`;
}

function Took({ view }: { view: AssetView }) {
  const { node } = view;
  if (node?.state === "IN_PROGRESS" || node?.state === "TESTING") return <>{ticking(elapsedMs(node))} so far</>;
  const timings = node?.timings;
  if (timings) {
    const tests = timings.testingMs > 0 ? `, then ${duration(timings.testingMs)} of tests` : "";
    return <>{duration(timings.executingMs) + tests}</>;
  }
  return <>{view.durationMs > 0 ? duration(view.durationMs) : "not run"}</>;
}
