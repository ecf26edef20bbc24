/** What the Logs view shows, as the address holds it, as the server is asked for it, and in words. */
import type { QueryChange } from "../../places";
import { asking, api } from "../../api";
import { count } from "../../parts/format";

export const LEVELS = ["critical", "error", "warning", "info", "debug"] as const;
export type Level = (typeof LEVELS)[number];

/** In the address, `level=none` shows no line at all. */
const NONE = "none";

export interface Filters {
  readonly task: string;
  /** The levels shown; null is all. */
  readonly levels: ReadonlySet<Level> | null;
  readonly asset: string;
  readonly test: string;
  readonly text: string;
}

/** The filters in the query of an address. Words that are no level are left out. */
export function filtersOf(task: string, query: URLSearchParams): Filters {
  const level = query.get("level");
  const levels = level === null ? null : new Set(level.split(",").filter(isLevel));
  const of = (name: string) => query.get(name) ?? "";
  return { task, levels, asset: of("asset"), test: of("test"), text: of("q").trim() };
}

const isLevel = (word: string): word is Level => (LEVELS as readonly string[]).includes(word);

/** The query with one level switched on or off, or with this level alone. */
export function toggled({ levels }: Filters, level: Level, alone = false): QueryChange {
  const shown = new Set<Level>(alone ? [level] : (levels ?? LEVELS));
  if (!alone && !shown.delete(level)) shown.add(level);
  if (shown.size === LEVELS.length) return { level: null };
  return { level: LEVELS.filter((one) => shown.has(one)).join(",") || NONE };
}

const ERRORS = "critical,error";

/** The query with errors alone, or with all levels if it has errors alone already. */
export function errorsOnly({ levels }: Filters): QueryChange {
  const shown = levels && LEVELS.filter((one) => levels.has(one)).join(",");
  return { level: shown === ERRORS ? null : ERRORS };
}

/** The query without any filter. */
export const ALL: QueryChange = { level: null, asset: null, test: null, q: null };

export interface Page {
  readonly after?: number;
  readonly before?: number;
  readonly offset?: number;
  readonly limit?: number;
}

/** The server's address of a page of the shown lines. Always in the form with positions and numbers. */
export function pageUrl(filters: Filters, page: Page): string {
  return withLevels(asking(api`/api/logs/${filters.task}`, { ...asked(filters), offset: 0, ...page }), filters);
}

/** The server's address of a download of the shown lines. */
export function downloadUrl(filters: Filters): string {
  return withLevels(asking(api`/api/logs/${filters.task}/download`, asked(filters)), filters);
}

const asked = ({ asset, test, text }: Filters) => ({ asset, test, q: text });

function withLevels(url: string, { levels }: Filters): string {
  if (!levels) return url;
  return `${url}${url.includes("?") ? "&" : "?"}level=${[...levels].join(",")}`;
}

/** The number of lines of each level that match all filters but the levels. */
export type Counts = Readonly<Record<Level, number>>;

/** The levels that can be switched: a critical one is rare, and is only there if there is such a line. */
export function levelsShown(counts: Counts | undefined): readonly Level[] {
  return LEVELS.filter((level) => level !== "critical" || (counts?.critical ?? 0) > 0);
}

/** What the filters hide, such as "level debug; other assets than staging.weather"; "" if there is no filter. */
export function filtersInWords({ levels, asset, test, text }: Filters, counts: Counts): string {
  const off = levels ? levelsShown(counts).filter((level) => !levels.has(level)) : [];
  const parts = [];
  if (off.length) parts.push(levels?.size === 0 ? "all levels" : `level ${off.join(", ")}`);
  if (asset) parts.push(`other assets than ${asset}`);
  if (test) parts.push(`other tests than ${test}`);
  if (text) parts.push(`lines without “${text}”`);
  return parts.join("; ");
}

/** How many lines of each level there are: "5 errors · 5 warnings · 37 info · 17 debug". */
export function countsInWords(counts: Counts): string {
  const noun = (level: Level, n: number) => {
    if (level === "error" || level === "warning") return `${level}${n === 1 ? "" : "s"}`;
    return level;
  };
  return levelsShown(counts)
    .map((level) => `${count(counts[level])} ${noun(level, counts[level])}`)
    .join(" · ");
}
