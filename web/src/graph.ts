/** Walks along the edges of the DAG. Pure. */

export type Way = "upstreams" | "downstreams";
export type Edges = { readonly [way in Way]?: readonly string[] };

/** An asset with all that is at most this many edges away in one direction, nearest first. */
export function reached(assets: ReadonlyMap<string, Edges>, name: string, way: Way, steps = Infinity): ReadonlySet<string> {
  const found = new Set([name]);
  let edge = [name];
  for (let step = 0; step < steps && edge.length > 0; step += 1) {
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
