/** Rows as a plain table. Only those in view are elements. */
import { useRef } from "preact/hooks";
import "./rows_table.css";
import { ROW_PX, useWindow } from "./windowed";

interface RowsTableProps {
  readonly label: string;
  readonly columns: readonly string[];
  readonly rows: readonly Readonly<Record<string, unknown>>[];
}

export function RowsTable({ label, columns, rows }: RowsTableProps) {
  const box = useRef<HTMLDivElement>(null);
  const { from, to } = useWindow(box, rows.length);
  return (
    <div class="scroll rowsbox" ref={box} tabIndex={0} role="region" aria-label={label}>
      <table class="table" aria-rowcount={rows.length + 1}>
        <thead>
          <RowHeads columns={columns} rows={rows} />
        </thead>
        <tbody>
          {from > 0 && <tr aria-hidden="true" style={{ height: `${from * ROW_PX}px` }} />}
          {rows.slice(from, to).map((row, index) => (
            <RowCells key={from + index} columns={columns} row={row} place={from + index + 2} />
          ))}
          {to < rows.length && <tr aria-hidden="true" style={{ height: `${(rows.length - to) * ROW_PX}px` }} />}
        </tbody>
      </table>
    </div>
  );
}

type Row = Readonly<Record<string, unknown>>;

/** The names of the columns; the first rows say which ones are numbers. */
export function RowHeads({ columns, rows }: { columns: readonly string[]; rows: readonly Row[] }) {
  const first = (column: string) => rows.slice(0, 100).find((row) => row[column] !== null)?.[column];
  return (
    <tr>
      {columns.map((column) => (
        <th key={column} class={isNumeric(first(column)) ? "num" : ""}>
          {column}
        </th>
      ))}
    </tr>
  );
}

export function RowCells({ columns, row, place }: { columns: readonly string[]; row: Row; place?: number }) {
  return (
    <tr aria-rowindex={place}>
      {columns.map((column) => (
        <Cell key={column} value={row[column]} />
      ))}
    </tr>
  );
}

const isNumeric = (value: unknown): boolean => typeof value === "number" || typeof value === "bigint";

function Cell({ value }: { value: unknown }) {
  if (value === null || value === undefined) return <td class="null">NULL</td>;
  if (value === "") {
    return (
      <td>
        <span class="empty">empty text</span>
      </td>
    );
  }
  const text = typeof value === "object" ? JSON.stringify(value) : String(value);
  return <td class={isNumeric(value) ? "mono num" : "mono"}>{text.length > 300 ? `${text.slice(0, 300)}…` : text}</td>;
}
