/** A few rows as a plain table. */
import { isNumeric } from "./cells";
import type { GridColumn, GridRow } from "./source";
import { Value } from "./value";

interface FewRowsProps {
  readonly label: string;
  readonly columns: readonly GridColumn[];
  readonly rows: readonly GridRow[];
  readonly class?: string;
}

export function FewRows({ label, columns, rows, class: name = "table" }: FewRowsProps) {
  return (
    <table class={name} aria-label={label}>
      <thead>
        <tr>
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
