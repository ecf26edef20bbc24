/** What a cell shows, and what is copied of it. */
import type { CellValue, GridColumn, GridRow } from "./source";

const SHOWN_CHARACTERS = 300;
const LEAST_PX = 156; // the counts above a column fit, and two days

export const isNumeric = (column: GridColumn): boolean => /^(U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?|BIGNUM|DECIMAL.*|DOUBLE|FLOAT)$/.test(column.type);

/** The value as text; NULL is not a text. */
export function textOf(value: CellValue): string {
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

/** The beginning of it, which is enough for a cell. */
export function shownText(value: CellValue): string {
  const text = textOf(value);
  return text.length > SHOWN_CHARACTERS ? `${text.slice(0, SHOWN_CHARACTERS)}…` : text;
}

/** Exact numbers came as text; as JSON they are numbers with all their digits. */
export function jsonOf(value: CellValue, column: GridColumn): string {
  if (typeof value === "string" && isNumeric(column) && /^-?\d/.test(value)) return value;
  return JSON.stringify(value, null, 2) ?? "null";
}

/** Rows as text with tabs, which spreadsheets take. NULL is nothing; tabs and line ends in a text become spaces. */
export function tsvOf(rows: readonly GridRow[]): string {
  const cell = (value: CellValue): string => (value === null ? "" : textOf(value).replace(/[\t\r\n]+/g, " "));
  return rows.map((row) => row.map(cell).join("\t")).join("\n");
}

/** What the length of a value is, in words. */
export function lengthOf(value: CellValue, column: GridColumn): string {
  if (value === null) return "NULL: no value at all";
  if (value === "") return "0 characters. Not NULL: NULL is no value at all";
  if (Array.isArray(value)) return `${value.length} ${value.length === 1 ? "item" : "items"}`;
  if (typeof value === "object") return `${Object.keys(value as object).length} fields`;
  const characters = [...textOf(value)].length;
  const unit = isNumeric(column) ? "digit" : "character";
  const counted = isNumeric(column) ? textOf(value).replace(/\D/g, "").length : characters;
  return `${counted} ${unit}${counted === 1 ? "" : "s"}`;
}

/** A width for a column, in px: its name, its type, and its first values fit, up to a bound. */
export function widthOf(column: GridColumn, place: number, rows: readonly GridRow[]): number {
  const type = column.type.length + (column.key ? 6 : 0);
  let longest = 0;
  for (const row of rows.slice(0, 60)) longest = Math.max(longest, row[place] === null ? 4 : Math.min(60, textOf(row[place]).length));
  return Math.round(Math.min(360, Math.max(LEAST_PX, 17 + column.name.length * 7.3 + 20, 17 + Math.min(type, 36) * 6.3, 17 + longest * 7.3)));
}
