/** The graph: canvases, buttons and heads of stages, held together by a Surface. */
import { type Signal, useComputed, useSignal, useSignalEffect } from "@preact/signals";
import { useEffect, useLayoutEffect, useMemo, useRef } from "preact/hooks";
import { wayColumns, wayEdges } from "../../column_way";
import { reached } from "../../graph";
import { type Keymap, useKeys } from "../../keys";
import { connection } from "../../live/live";
import { counted } from "../../parts/format";
import { Icon } from "../../parts/icon";
import { assets, runs, tasks } from "../../store";
import { changedLooks, countsOfStage, inWords, isHidden, lookNow, looksVersion, sizeOf, wordNow } from "./looks";
import { type Arrow, stepFrom } from "./neighbourhood";
import { NodeCard, StageCard } from "./node_card";
import type { Marks } from "./painting";
import { collapsed, hops, select, selected, shownLooks, toggleStage } from "./place";
import { NODE_HEIGHT, NODE_WIDTH, type Scene, type SceneEdge, type SceneNode, type SceneStage } from "./scene";
import { Surface } from "./surface";

const ZOOM_STEP = 1.25;
const ARROWS: readonly Arrow[] = ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown"];

export function Graph({ scene, current, fit }: { scene: Scene; current: Signal<string>; fit: { current: () => void } }) {
  const root = useRef<HTMLDivElement>(null);
  const focused = useSignal("");
  const surface = useSurface(root, scene, focused.value);
  fit.current = () => surface.current?.fit();
  useGraphKeys(root, scene, surface, current);
  const isStale = runs.value && connection.value.state === "offline";
  return (
    <div
      ref={root}
      class={isStale ? "canvas graph stale" : "canvas graph"}
      role="group"
      aria-label="Graph. The arrow keys lead along the edges."
      onClick={(event) => click(event, scene, current)}
      onFocusIn={(event) => {
        const name = nameOf(event.target);
        if (!name) return;
        current.value = name;
        if ((event.target as HTMLElement).matches(":focus-visible")) focused.value = name;
      }}
      onFocusOut={() => (focused.value = "")}
    >
      <canvas class="below" aria-hidden="true" />
      <canvas class="above" aria-hidden="true" />
      <Nodes scene={scene} surface={surface} current={current} />
      <Heads stages={scene.stages} surface={surface} />
      <Zoom surface={surface} />
    </div>
  );
}

const nameOf = (target: EventTarget | null): string =>
  (target instanceof Element ? target.closest<HTMLElement>("[data-node]")?.dataset["node"] : undefined) ?? "";

/** A click on a button, or, where nodes are only drawn, on the place of one. */
function click(event: MouseEvent, scene: Scene, current: Signal<string>): void {
  if (event.target instanceof Element && event.target.closest(".zoom, .stagehead")) return;
  const root = event.currentTarget as HTMLElement;
  const name = nameOf(event.target) || drawnAt(root, scene, event);
  const node = scene.nodes.find((one) => one.name === name);
  if (!node) return;
  current.value = name;
  if (node.isStage) toggleStage(name);
  else select(name);
}

function drawnAt(root: HTMLElement, scene: Scene, { clientX, clientY }: MouseEvent): string {
  const box = root.querySelector(".nodes")!.getBoundingClientRect();
  const zoom = box.width / scene.width;
  const [x, y] = [(clientX - box.left) / zoom, (clientY - box.top) / zoom];
  return scene.nodes.find((node) => x >= node.x && x <= node.x + NODE_WIDTH && y >= node.y && y <= node.y + NODE_HEIGHT)?.name ?? "";
}

// The surface

interface Held {
  current: Surface | null;
}

function useSurface(root: { current: HTMLDivElement | null }, scene: Scene, focused: string): Held {
  const held = useRef<Surface | null>(null);
  const marks = useMarks(focused);
  const shown = useRef({ scene, marks, selected: "", hops: 0 });
  useLayoutEffect(() => {
    const element = root.current!;
    const canvas = (name: string): HTMLCanvasElement => element.querySelector(`canvas.${name}`)!;
    const part = (name: string): HTMLElement => element.querySelector(`.${name}`)!;
    const elements = { root: element, below: canvas("below"), above: canvas("above"), nodes: part("nodes"), heads: part("heads") };
    const surface = new Surface(elements, scene, marks);
    held.current = surface;
    return () => surface.close();
  }, []);
  useLayoutEffect(() => {
    const before = shown.current;
    shown.current = { scene, marks, selected: selected.value, hops: hops.value };
    const surface = held.current!;
    if (scene !== before.scene) surface.show(scene, marks, hops.value !== before.hops || before.scene.nodes.length === 0);
    else if (marks !== before.marks) surface.mark(marks);
    const index = scene.indexOf.get(selected.value);
    if (index !== undefined && (selected.value !== before.selected || hops.value !== before.hops)) surface.reveal(index, true);
  });
  useSignalEffect(() => {
    void looksVersion.value;
    const indexes = new Set<number>();
    for (const name of changedLooks) {
      const index = shown.current.scene.indexOf.get(name);
      if (index !== undefined) indexes.add(index);
    }
    held.current?.stateOf(indexes);
  });
  return held;
}

/** What is drawn differently; a new object when something other than a state changes. */
function useMarks(focused: string): Marks {
  const [name, looks, known, columns, edges] = [selected.value, shownLooks.value, assets.value, wayColumns.value, wayEdges.value];
  return useMemo(() => {
    const downstream = name ? reached(known, name, "downstreams") : new Set<string>();
    const isOnWay = ([above, below]: readonly [string, string]): boolean => (columns ? edges.has(`${above} ${below}`) : downstream.has(above) && downstream.has(below));
    return {
      look: (node: SceneNode) => (node.isStage ? lookOfStage(node.stage) : lookNow(node.name)),
      word: (node: SceneNode) => (node.isStage ? "" : wordNow(node.name)),
      isBlocked,
      selected: name,
      isMarked: ({ pairs }: SceneEdge) => pairs.some(isOnWay),
      isDim: (node: SceneNode) => !node.isStage && (isHidden(node.name, looks) || (columns !== null && !columns.has(node.name))),
      pales: columns !== null,
      focused,
    };
  }, [name, looks, known, columns, edges, focused]);
}

function lookOfStage(stage: string): ReturnType<typeof lookNow> {
  const of = countsOfStage(stage);
  return (["failed", "running", "testing", "skipped", "waiting"] as const).find((look) => of[look] > 0) ?? (of.success > 0 ? "success" : "waiting");
}

function isBlocked({ pairs }: SceneEdge): boolean {
  return pairs.some(([upstream, downstream]) => {
    const above = lookNow(upstream);
    return (above === "failed" || above === "skipped") && lookNow(downstream) === "skipped";
  });
}

// What is in it

function Nodes({ scene, surface, current }: { scene: Scene; surface: Held; current: Signal<string> }) {
  const ready = useSignal(0);
  useEffect(() => void (ready.value += 1), []); // the surface exists after the first layout
  void ready.value;
  const near = surface.current?.near.value ?? [];
  const first = scene.nodes[0]?.name ?? "";
  const currentIndex = scene.nodes.findIndex((node) => node.name === (current.value || selected.value || first));
  const tabStop = currentIndex < 0 ? 0 : currentIndex;
  const shown = near.includes(tabStop) || scene.nodes.length === 0 ? near : [tabStop, ...near];
  const known = assets.value;
  return (
    <div class="nodes" style={{ width: `${scene.width}px`, height: `${scene.height}px` }}>
      {shown.map((index) => {
        const node = scene.nodes[index];
        if (!node) return null;
        const asset = known.get(node.name);
        if (node.isStage) return <StageCard key={`stage ${node.name}`} node={node} isSelected={false} isDim={false} isCurrent={index === tabStop} />;
        return asset && <Node key={node.name} node={node} asset={asset} isCurrent={index === tabStop} />;
      })}
    </div>
  );
}

function Node({ node, asset, isCurrent }: { node: SceneNode; asset: Parameters<typeof NodeCard>[0]["asset"]; isCurrent: boolean }) {
  const isSelected = useComputed(() => selected.value === node.name);
  const isDim = useComputed(() => {
    if (wayColumns.value && !wayColumns.value.has(node.name)) return true;
    if (shownLooks.value.size === 0) return false;
    void looksVersion.value;
    return isHidden(node.name, shownLooks.value);
  });
  const columns = useComputed(() => wayColumns.value?.get(node.name)?.join(", ") ?? "");
  return <NodeCard node={node} asset={asset} isSelected={isSelected.value} isDim={isDim.value} isCurrent={isCurrent} columns={columns.value} />;
}

function Heads({ stages, surface }: { stages: readonly SceneStage[]; surface: Held }) {
  useLayoutEffect(() => surface.current?.placeHeads());
  return (
    <div class="heads">
      {stages.map((stage) => (
        <Head key={stage.name} stage={stage} />
      ))}
    </div>
  );
}

function Head({ stage }: { stage: SceneStage }) {
  const isCollapsed = collapsed.value.has(stage.name);
  const neverRun = tasks.value.length === 0;
  const size = sizeOf(countsOfStage(stage.name));
  const words = neverRun ? counted(size, "asset") : inWords(countsOfStage(stage.name));
  return (
    <header class="stagehead">
      <h2 class="cut">
        <button
          type="button"
          aria-expanded={!isCollapsed}
          title={isCollapsed ? `Show the assets of ${stage.name}` : `Collapse ${stage.name}`}
          onClick={() => toggleStage(stage.name)}
        >
          <Icon name={isCollapsed ? "right" : "down"} />
          {stage.name}
        </button>
      </h2>
      {!isCollapsed && (
        <span class="xs faint cut" title={words}>
          {words.split(" · ").map((part, index) => (
            <span key={index} class={index > 0 ? "rest" : ""}>
              {index > 0 && " · "}
              {part}
            </span>
          ))}
        </span>
      )}
    </header>
  );
}

function Zoom({ surface }: { surface: Held }) {
  const ready = useSignal(0);
  useEffect(() => void (ready.value += 1), []);
  void ready.value;
  const zoom = surface.current?.zoom.value ?? 1;
  return (
    <div class="zoom" role="group" aria-label="Zoom">
      <button type="button" title="Zoom out, −" aria-label="Zoom out" onClick={() => surface.current?.zoomBy(1 / ZOOM_STEP)}>
        −
      </button>
      <span>{zoom < 0.1 ? (zoom * 100).toFixed(1) : Math.round(zoom * 100)} %</span>
      <button type="button" title="Zoom in, +" aria-label="Zoom in" onClick={() => surface.current?.zoomBy(ZOOM_STEP)}>
        +
      </button>
    </div>
  );
}

// Keys

function useGraphKeys(root: { current: HTMLElement | null }, scene: Scene, surface: Held, current: Signal<string>): void {
  const walk = (arrow: Arrow): void | false => {
    const inside = root.current?.contains(document.activeElement) || document.activeElement === document.body;
    if (!inside) return false;
    const from = scene.indexOf.get(current.value || selected.value) ?? scene.nodes.findIndex((node) => node.name === current.value);
    const to = from < 0 ? 0 : stepFrom(scene, from, arrow);
    if (to !== null && scene.nodes[to]) focusNode(root.current!, scene.nodes[to], to, surface, current);
  };
  const keys: Keymap = {
    ...Object.fromEntries(ARROWS.map((arrow) => [arrow, () => walk(arrow)])),
    f: () => surface.current?.fit(),
    "+": () => surface.current?.zoomBy(ZOOM_STEP),
    "-": () => surface.current?.zoomBy(1 / ZOOM_STEP),
  };
  useKeys(keys);
}

function focusNode(root: HTMLElement, node: SceneNode, index: number, surface: Held, current: Signal<string>): void {
  current.value = node.name;
  if (selected.value && !node.isStage) select(node.name, true); // the open panel goes along
  surface.current?.reveal(index);
  requestAnimationFrame(() => {
    root.querySelector<HTMLElement>(`[data-node="${CSS.escape(node.name)}"]`)?.focus({ preventScroll: true });
  });
}
