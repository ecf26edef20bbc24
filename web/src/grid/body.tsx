/** The rows of a grid in sight. */
import { isNumeric } from "./cells";
import type { RowPages } from "./row_pages";
import type { Shown } from "./scrolling";
import type { GridColumn } from "./source";
import type { Place } from "./use_grid";
import { Value } from "./value";

interface BodyProps {
  readonly columns: readonly GridColumn[];
  readonly pages: RowPages;
  readonly shown: Shown;
  readonly cell: Place | null;
  /** The other corner of what is selected. */
  readonly anchor: Place | null;
}

export const cellId = ({ row, column }: Place): string => `cell-${row}-${column}`;

export function Body({ columns, pages, shown, cell, anchor }: BodyProps) {
  const rows = [];
  for (let row = shown.from; row < shown.to; row++) {
    rows.push(<Row key={row} row={row} columns={columns} pages={pages} cell={cell} anchor={anchor} />);
  }
  return (
    <tbody>
      {shown.above > 0 && <tr aria-hidden="true" class="space" style={{ height: `${shown.above}px` }} />}
      {rows}
      {shown.below > 0 && <tr aria-hidden="true" class="space" style={{ height: `${shown.below}px` }} />}
    </tbody>
  );
}

interface RowProps extends Omit<BodyProps, "shown"> {
  readonly row: number;
}

function Row({ row, columns, pages, cell, anchor }: RowProps) {
  const values = pages.row(row);
  return (
    <tr class={cell?.row === row ? "sel" : ""} aria-rowindex={row + 3}>
      <td class="rn">{(row + 1).toLocaleString("en-US")}</td>
      {columns.map((column, index) => {
        const place = { row, column: index };
        const classes = [isNumeric(column) && "num", isIn(place, cell, anchor) && "range", isAt(place, cell) && "cell"];
        return (
          <td key={index} id={isAt(place, cell) ? cellId(place) : undefined} class={classes.filter(Boolean).join(" ")} data-cell={`${row}:${index}`}>
            {values ? <Value value={values[index]} /> : <span class="faint">…</span>}
          </td>
        );
      })}
      <td class="fill" aria-hidden="true" />
    </tr>
  );
}

const isAt = (place: Place, cell: Place | null): boolean => cell?.row === place.row && cell.column === place.column;

function isIn(place: Place, cell: Place | null, anchor: Place | null): boolean {
  if (!cell || !anchor) return false;
  const between = (value: number, one: number, other: number): boolean => value >= Math.min(one, other) && value <= Math.max(one, other);
  return between(place.row, cell.row, anchor.row) && between(place.column, cell.column, anchor.column);
}
