/** A value as a cell shows it: NULL in italics, an empty text in a dashed box. */
import { shownText } from "./cells";
import type { CellValue } from "./source";

export function Value({ value }: { value: CellValue }) {
  if (value === null || value === undefined) return <span class="null">NULL</span>;
  if (value === "") return <span class="empty">empty text</span>;
  return <>{shownText(value)}</>;
}
