/** Where the page is. The URL holds every state of every view, so that Back works and each state has a link. */
import { computed, signal } from "@preact/signals";
import { placeOf, type QueryChange, withQuery } from "./places";

export type { ViewName } from "./places";

const address = signal(window.location.pathname + window.location.search);

window.addEventListener("popstate", () => {
  address.value = window.location.pathname + window.location.search;
});

export const place = computed(() => placeOf(address.value));

/** The value of one parameter of the query, or "". */
export function param(name: string): string {
  return place.value.query.get(name) ?? "";
}

/** The task that the address names: what every view is "as of". "" follows the newest task. */
export const namedTask = computed(() => (place.value.view === "task" ? place.value.name : param("task")));

/** The path of a view, keeping the task that the present address names. */
export function link(path: string, change: QueryChange = {}): string {
  const task = path.startsWith("/tasks/") ? null : namedTask.value || null;
  return withQuery(path, new URLSearchParams(), { task, ...change });
}

export const taskPath = (taskId: string): string => `/tasks/${encodeURIComponent(taskId)}`;
export const assetPath = (name: string): string => `/assets/${encodeURIComponent(name)}`;

/** The present address with some parameters changed. */
export function here(change: QueryChange): string {
  const { pathname } = new URL(address.value, "http://page");
  return withQuery(pathname, place.value.query, change);
}

/** An asset with what changes of the query: beside the graph where that is shown, and then with `beside` too, else on its own page. */
export function assetAddress(name: string, change: QueryChange, beside: QueryChange = {}): string {
  return place.value.view === "dag" ? here({ asset: name, ...beside, ...change }) : link(assetPath(name), change);
}

/** Go to an address. `replace` leaves no entry for Back: for states that change while typing or scrolling. */
export function go(to: string, { replace = false }: { replace?: boolean } = {}): void {
  if (to === address.value) return;
  if (replace) window.history.replaceState(null, "", to);
  else window.history.pushState(null, "", to);
  address.value = to;
}

/** Change parameters of the present address. */
export function setQuery(change: QueryChange, options?: { replace?: boolean }): void {
  go(here(change), options);
}

/** Follow links within the page without a load; new tabs, downloads and other origins stay the browser's. */
export function followLinks(event: MouseEvent): void {
  if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  const anchor = event.target instanceof Element ? event.target.closest("a") : null;
  if (!anchor || anchor.target || anchor.hasAttribute("download") || anchor.origin !== window.location.origin) return;
  if (anchor.getAttribute("href")?.startsWith("#")) return;
  if (placeOf(anchor.pathname).view === "unknown") return;
  event.preventDefault();
  go(anchor.pathname + anchor.search);
}
