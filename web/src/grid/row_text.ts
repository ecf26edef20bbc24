/** A row as a text for the address: its values by column, by which it can be traced. Pure. */
import type { GridColumn, GridRow } from "./source";

/** Longer addresses are cut by what they are sent through. */
const MOST = 1_500;

/** All values while the text stays short, else those of the key, else as many as fit. Nested values cannot be compared. */
export function rowText(columns: readonly GridColumn[], row: GridRow): string {
  const cells = columns.map((column, place) => ({ column, value: row[place] })).filter(({ value }) => typeof value !== "object" || value === null);
  const text = (of: typeof cells): string => JSON.stringify(Object.fromEntries(of.map(({ column, value }) => [column.name, value])));
  const whole = text(cells);
  if (whole.length <= MOST) return whole;
  const keys = cells.filter(({ column }) => column.key);
  if (keys.length > 0) return text(keys);
  return text(cells.filter((_, place) => text(cells.slice(0, place + 1)).length <= MOST));
}

/** The values of a text; null if it is none. */
export function rowOf(text: string): Readonly<Record<string, unknown>> | null {
  try {
    const row: unknown = JSON.parse(text);
    return typeof row === "object" && row !== null && !Array.isArray(row) && Object.keys(row).length > 0 ? (row as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}
