/** The parts of a small table of rows. */

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
