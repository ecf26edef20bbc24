/** The DAG view: the graph or its list, with the selected asset beside it. */
import { type Signal, useSignal, useSignalEffect } from "@preact/signals";
import { useEffect, useMemo, useRef } from "preact/hooks";
import { toggleBreakpoint } from "../../breakpoints";
import { useKeys } from "../../keys";
import { go, link, assetPath } from "../../router";
import { runAssets } from "../../run";
import { assets, canRun, project, tasks } from "../../store";
import { AssetPanel } from "../asset/asset_panel";
import { AssetList } from "./asset_list";
import "./dag.css";
import { Graph } from "./graph";
import { layout, layoutError, refreshLayout } from "./layout";
import { followLooks } from "./looks";
import { NeverRun } from "./never_run";
import { within } from "./neighbourhood";
import { clearLooks, closeAsset, collapsed, hops, isList, selected } from "./place";
import { type Scene, sceneOf } from "./scene";
import { saveSvg } from "./svg_export";
import { Toolbar } from "./toolbar";

export function DagView() {
  return project.value?.loadedTimeMs === undefined ? <NotLoaded /> : <Dag />;
}

const NotLoaded = () => (
  <main class="view" id="main">
    <h1 class="vh">DAG</h1>
    <p class="block muted">Nothing can run until the problems above are fixed. The assets then appear here.</p>
  </main>
);

function Dag() {
  useEffect(followLooks, []);
  useSignalEffect(() => {
    void assets.value; // replaced when the project was loaded again
    void refreshLayout();
  });
  const current = useSignal("");
  const fit = useRef<() => void>(() => {});
  const scene = useScene();
  const name = assets.value.has(selected.value) ? selected.value : "";
  const neverRun = tasks.value.length === 0;
  useAssetKeys(() => current.value || name);
  return (
    <main class="view" id="main">
      <h1 class="vh">DAG</h1>
      <Toolbar fit={() => fit.current()} exportSvg={() => scene && saveSvg(scene, project.value?.projectName ?? "dag")} />
      <div class={name || neverRun ? "split" : "solo"}>
        <div class="col">
          <Content scene={scene} current={current} fit={fit} />
        </div>
        {name ? <AssetPanel key={name} name={name} /> : neverRun && <NeverRun />}
      </div>
    </main>
  );
}

function Content({ scene, current, fit }: { scene: Scene | null; current: Signal<string>; fit: { current: () => void } }) {
  if (isList.value) return <AssetList current={current} only={scene && hops.value ? scene : null} />;
  if (scene) return <Graph scene={scene} current={current} fit={fit} />;
  return <div class="canvas">{layoutError.value && <p class="block">{layoutError.value}</p>}</div>;
}

/** What the graph shows now; the same object while nothing but states changes. */
function useScene(): Scene | null {
  const [laidOut, known, name, near, folded] = [layout.value, assets.value, selected.value, hops.value, collapsed.value];
  const around = near > 0 ? name : "";
  return useMemo(() => {
    if (!laidOut) return null;
    return sceneOf(laidOut, folded, around ? within(known, around, near) : null);
  }, [laidOut, known, around, near, [...folded].join()]);
}

/** Keys for the asset that has the focus, or else is selected. */
function useAssetKeys(target: () => string): void {
  const run = (suffix: string): void | false => {
    const name = target();
    const isAsset = assets.value.has(name);
    if (!canRun.value || (!isAsset && tasks.value.length > 0)) return false;
    void runAssets(isAsset ? { select: name + suffix } : {});
  };
  useKeys({
    r: () => run(""),
    "Shift R": () => run("+"),
    b: () => (assets.value.has(target()) ? toggleBreakpoint(target()) : false),
    o: () => (assets.value.has(target()) ? go(link(assetPath(target()))) : false),
    Escape: () => (selected.value ? closeAsset() : clearLooks()),
  });
}
