/** The addresses of the page: what each names, and how its query changes. */

export type ViewName = "dag" | "tests" | "logs" | "history" | "compare" | "task" | "asset" | "unknown";

export interface Place {
  readonly view: ViewName;
  /** The task of `/tasks/{taskId}` or the asset of `/assets/{name}`; otherwise "". */
  readonly name: string;
  readonly query: URLSearchParams;
}

/** What a link or a change of the query can set: `null`, "" and `false` remove, an array repeats the parameter. */
export type QueryChange = Readonly<Record<string, string | number | boolean | readonly string[] | null | undefined>>;

const LISTS: Record<string, ViewName> = { "/": "dag", "/tests": "tests", "/logs": "logs", "/history": "history", "/compare": "compare" };

/** The place that an address names. */
export function placeOf(pathAndQuery: string): Place {
  const url = new URL(pathAndQuery, "http://page");
  const query = url.searchParams;
  const list = LISTS[url.pathname];
  if (list) return { view: list, name: "", query };
  const [, kind, name, ...rest] = url.pathname.split("/");
  if (name && rest.length === 0 && (kind === "tasks" || kind === "assets")) {
    return { view: kind === "tasks" ? "task" : "asset", name: decoded(name), query };
  }
  return { view: "unknown", name: url.pathname, query };
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** A path with a query, some of whose parameters are changed. */
export function withQuery(path: string, query: URLSearchParams, change: QueryChange): string {
  const changed = new URLSearchParams(query);
  for (const [name, value] of Object.entries(change)) {
    changed.delete(name);
    if (value === null || value === undefined || value === "" || value === false) continue;
    for (const item of Array.isArray(value) ? value : [String(value)]) changed.append(name, item);
  }
  const text = changed.toString();
  return text ? `${path}?${text}` : path;
}
