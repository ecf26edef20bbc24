/** The room of the rows of a table that are out of sight. */
import { ROW_PX } from "./windowed";

export function Gap({ rows }: { rows: number }) {
  return rows > 0 ? <tr aria-hidden="true" style={{ height: `${rows * ROW_PX}px` }} /> : null;
}
