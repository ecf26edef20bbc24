/** Filters and sort keys as the URL has them: `delay:gt:12.5`, and `-delay,origin`. */

export const OPERATORS = ["eq", "ne", "lt", "le", "gt", "ge", "in", "contains", "startswith", "isnull", "notnull"] as const;
export type Operator = (typeof OPERATORS)[number];

const SIGNS: Record<Operator, string> = {
  eq: "=",
  ne: "≠",
  lt: "<",
  le: "≤",
  gt: ">",
  ge: "≥",
  in: "is one of",
  contains: "contains",
  startswith: "starts with",
  isnull: "is NULL",
  notnull: "is not NULL",
};

export const signOf = (operator: Operator): string => SIGNS[operator];
export const hasValue = (operator: Operator): boolean => operator !== "isnull" && operator !== "notnull";

export interface Condition {
  readonly column: string;
  readonly operator: Operator;
  readonly value: string;
}

export function conditionText({ column, operator, value }: Condition): string {
  return hasValue(operator) ? `${column}:${operator}:${value}` : `${column}:${operator}`;
}

/** The condition that a text is; `null` if it is none. A column's name may contain a colon: the longest known name counts. */
export function conditionOf(text: string, columns: readonly string[]): Condition | null {
  const known = columns.filter((name) => text.startsWith(`${name}:`)).sort((one, other) => other.length - one.length);
  const column = known[0] ?? text.slice(0, Math.max(0, text.indexOf(":")));
  const rest = text.slice(column.length + 1);
  const colon = rest.indexOf(":");
  const word = colon < 0 ? rest : rest.slice(0, colon);
  const operator = OPERATORS.find((one) => one === word);
  return column && operator ? { column, operator, value: colon < 0 ? "" : rest.slice(colon + 1) } : null;
}

export type Direction = "ascending" | "descending";

export interface SortKey {
  readonly column: string;
  readonly direction: Direction;
}

/** The keys of a `sort`. Names with a comma or a quote are in double quotes, as in CSV. */
export function sortKeys(sort: string, columns: readonly string[]): SortKey[] {
  return listed(sort).map((text) =>
    !columns.includes(text) && text.startsWith("-")
      ? { column: text.slice(1), direction: "descending" }
      : { column: text, direction: "ascending" },
  );
}

export function sortText(keys: readonly SortKey[]): string {
  return keys.map(({ column, direction }) => quotedIfNeeded(direction === "descending" ? `-${column}` : column)).join(",");
}

/** The keys after a click on a column's head: ascending, descending, none. `add` keeps the other columns. */
export function sortedBy(keys: readonly SortKey[], column: string, add: boolean): SortKey[] {
  const now = keys.find((key) => key.column === column)?.direction;
  const next: SortKey[] = now === "descending" ? [] : [{ column, direction: now ? "descending" : "ascending" }];
  if (!add) return next;
  if (!now) return [...keys, ...next];
  return keys.flatMap((key) => (key.column === column ? next : [key]));
}

const quotedIfNeeded = (text: string): string => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

function listed(text: string): string[] {
  const found: string[] = [];
  const part = /("(?:[^"]|"")*"|[^,]*)(?:,|$)/gy;
  while (part.lastIndex < text.length) {
    const value = part.exec(text)?.[1];
    if (value === undefined) break;
    found.push(value.startsWith('"') ? value.slice(1, -1).replaceAll('""', '"') : value);
  }
  return found;
}
