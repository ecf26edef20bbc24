/** Walks along the edges: what is near an asset, what is downstream of it, and where an arrow key leads. Pure. */
import type { Asset } from "../../api";
import type { Scene } from "./scene";

type Assets = ReadonlyMap<string, Pick<Asset, "upstreams" | "downstreams">>;

/** An asset with everything at most so many edges away, upstream or downstream. */
export function within(assets: Assets, name: string, hops: number): Set<string> {
  const up = reached(assets, name, "upstreams", hops);
  for (const other of reached(assets, name, "downstreams", hops)) up.add(other);
  return up;
}

/** An asset with everything that depends on it. */
export function downstreamOf(assets: Assets, name: string): Set<string> {
  return reached(assets, name, "downstreams", Infinity);
}

function reached(assets: Assets, name: string, way: "upstreams" | "downstreams", hops: number): Set<string> {
  const found = new Set([name]);
  let edge = [name];
  for (let hop = 0; hop < hops && edge.length > 0; hop += 1) {
    const next: string[] = [];
    for (const one of edge) {
      for (const other of assets.get(one)?.[way] ?? []) {
        if (found.has(other)) continue;
        found.add(other);
        next.push(other);
      }
    }
    edge = next;
  }
  return found;
}

export type Arrow = "ArrowLeft" | "ArrowRight" | "ArrowUp" | "ArrowDown";

/** The node that an arrow leads to: along an edge to the nearest height, or up and down in the column. */
export function stepFrom(scene: Scene, from: number, arrow: Arrow): number | null {
  const node = scene.nodes[from];
  if (!node) return null;
  if (arrow === "ArrowUp" || arrow === "ArrowDown") {
    const column = scene.columns.find(({ x }) => x === node.x)!.nodes;
    return column[column.indexOf(from) + (arrow === "ArrowUp" ? -1 : 1)] ?? null;
  }
  const forth = arrow === "ArrowRight";
  const others = scene.edges.flatMap((edge) => {
    if (forth) return edge.from === from ? [edge.to] : [];
    return edge.to === from ? [edge.from] : [];
  });
  const far = (other: number): number => {
    const { x, y } = scene.nodes[other]!;
    return Math.abs(y - node.y) + Math.abs(x - node.x) / 4;
  };
  return others.sort((one, other) => far(one) - far(other))[0] ?? null;
}
