/** A few rows as a plain table. */
import type { ComponentChildren } from "preact";
import "../parts/statement.css";
import { isNumeric } from "./cells";
import type { GridColumn, GridRow } from "./source";
import { Value } from "./value";

interface FewRowsProps {
  readonly label: string;
  readonly columns: readonly GridColumn[];
  readonly rows: readonly GridRow[];
  readonly class?: string;
  /** What stands before each row. */
  readonly lead?: (row: GridRow, index: number) => ComponentChildren;
}

interface FirstRowsProps extends FewRowsProps {
  /** What the box around the table is called, if otherwise than the table. */
  readonly region?: string;
}

/** A few rows in a box that scrolls sideways. */
export function FirstRows({ region, ...rows }: FirstRowsProps) {
  return (
    <div class="firstrows" tabIndex={0} role="region" aria-label={region ?? rows.label}>
      <FewRows {...rows} />
    </div>
  );
}

export function FewRows({ label, columns, rows, class: name = "table", lead }: FewRowsProps) {
  return (
    <table class={name} aria-label={label}>
      <thead>
        <tr>
          {lead && (
            <th scope="col">
              <span class="vh">Trace</span>
            </th>
          )}
          {columns.map((column) => (
            <th key={column.name} scope="col" class={isNumeric(column) ? "num" : ""}>
              {column.name}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map((row, index) => (
          <tr key={index}>
            {lead && <td>{lead(row, index)}</td>}
            {columns.map((column, place) => (
              <td key={column.name} class={isNumeric(column) ? "mono num" : "mono"}>
                <Value value={row[place]} />
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}
