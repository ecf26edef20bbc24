/** What is near an asset, and where an arrow key leads. Pure. */
import { type Edges, reached } from "../../graph";
import type { Scene } from "./scene";

/** An asset with all that is at most this many edges away, upstream or downstream. */
export function within(assets: ReadonlyMap<string, Edges>, name: string, hops: number): ReadonlySet<string> {
  return new Set([...reached(assets, name, "upstreams", hops), ...reached(assets, name, "downstreams", hops)]);
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
