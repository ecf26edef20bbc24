/** The way of the column that the address names, through the whole DAG: fetched beside its asset, shown there and in the graph. */
import { computed, signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { api, asking } from "./api";
import { useFetched } from "./parts/fetched";
import { param } from "./router";
import { project } from "./store";

export type How = "same" | "constant" | "expression" | "window" | "aggregate" | "unknown";

export interface ColumnOrigin {
  readonly asset?: string;
  readonly relation: string;
  readonly column: string;
}

export interface WayColumn {
  readonly side: "self" | "upstream" | "downstream";
  readonly asset: string;
  readonly column: string;
  readonly how: How;
  readonly why?: string;
  readonly from: readonly ColumnOrigin[];
}

/** GET /api/dag/asset/{name}/lineage/way */
export interface ColumnWay {
  readonly name: string;
  readonly column: string;
  readonly columns: readonly WayColumn[];
  readonly reasons: Readonly<Record<string, string>>;
  readonly isWhole: boolean;
}

export const chosenColumn = computed(() => param("column"));
/** The way that is shown; null if no column is chosen, or until it is there. */
export const columnWay = signal<ColumnWay | null>(null);
/** Why it cannot be shown, or "". */
export const columnWayError = signal("");

/** Fetch the way of the chosen column of an asset, while the asset is shown. */
export function useColumnWay(asset: string, version: unknown): void {
  const column = chosenColumn.value;
  const address = column ? asking(api`/api/dag/asset/${asset}/lineage/way`, { column }) : "";
  const { value, error } = useFetched<ColumnWay>(address, `${project.value?.loadedTimeMs} ${String(version)}`);
  useEffect(() => {
    columnWay.value = value ?? null;
    columnWayError.value = error;
  }, [value, error]);
  useEffect(() => () => void (columnWay.value = null), []);
}

/** The columns on the way, by asset. */
export const wayColumns = computed<ReadonlyMap<string, readonly string[]> | null>(() => {
  if (!columnWay.value) return null;
  const found = new Map<string, string[]>();
  for (const { asset, column } of columnWay.value.columns) found.set(asset, [...(found.get(asset) ?? []), column]);
  return found;
});

/** The edges on the way, each as the names of its upstream and its downstream. */
export const wayEdges = computed<ReadonlySet<string>>(() => {
  const edges = new Set<string>();
  for (const { asset, from } of columnWay.value?.columns ?? []) for (const origin of from) if (origin.asset) edges.add(`${origin.asset} ${asset}`);
  return edges;
});
