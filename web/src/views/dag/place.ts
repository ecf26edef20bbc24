/** The states of the DAG view that are in the URL. */
import { computed } from "@preact/signals";
import { LOOKS, type Look } from "../../parts/look";
import { param, setQuery } from "../../router";

const MOST_HOPS = 20;

export const selected = computed(() => param("asset"));
export const isList = computed(() => param("view") === "list");
/** How many edges around the selected asset are shown; 0 shows everything. */
export const hops = computed(() => {
  const asked = Number.parseInt(param("focus"), 10);
  return selected.value && asked > 0 ? Math.min(asked, MOST_HOPS) : 0;
});
/** The states that are shown; empty shows all. */
export const shownLooks = computed<ReadonlySet<Look>>(() => new Set(LOOKS.filter((look) => listed("state").includes(look))));
export const collapsed = computed<ReadonlySet<string>>(() => new Set(listed("collapsed")));

const listed = (name: string): string[] => param(name).split(",").filter(Boolean);

/** Open an asset beside the graph. `replace` for walking with the arrows: Back leads to where the walk started. */
export function select(name: string, replace = false): void {
  if (name !== selected.peek()) setQuery({ asset: name, row: null, column: null }, { replace });
}

export function closeAsset(): void {
  setQuery({ asset: null, tab: null, focus: null, row: null, column: null });
}

export function toggleLook(look: Look): void {
  const shown = new Set(shownLooks.peek());
  if (!shown.delete(look)) shown.add(look);
  setQuery({ state: [...shown].join(",") || null });
}

/** Show all states again; false if they are shown. */
export function clearLooks(): void | false {
  if (shownLooks.peek().size === 0) return false;
  setQuery({ state: null });
}

export function toggleStage(name: string): void {
  const now = new Set(collapsed.peek());
  if (!now.delete(name)) now.add(name);
  setQuery({ collapsed: [...now].join(",") || null });
}

export function setHops(value: number): void {
  setQuery({ focus: value > 0 ? Math.min(value, MOST_HOPS) : null });
}
