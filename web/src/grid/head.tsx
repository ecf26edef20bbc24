/** The head of a grid: names, types, sorting, and what the values of each column are like. */
import { Icon } from "../parts/icon";
import { isNumeric } from "./cells";
import { sortedBy, type SortKey } from "./conditions";
import type { ColumnSummary, GridColumn, SummaryAnswer } from "./source";
import { Strip } from "./strip";
import { setSort } from "./use_grid";

interface HeadProps {
  readonly columns: readonly GridColumn[];
  readonly keys: readonly SortKey[];
  readonly summary: SummaryAnswer | null | undefined;
}

export function Head({ columns, keys, summary }: HeadProps) {
  const summaries = new Map((summary?.columns ?? []).map((column): [string, ColumnSummary] => [column.name, column]));
  return (
    <thead>
      <tr aria-rowindex={1}>
        <th class="rn" scope="col">
          <b>#</b>
        </th>
        {columns.map((column) => (
          <ColumnHead key={column.name} column={column} keys={keys} />
        ))}
        <td class="fill" aria-hidden="true" />
      </tr>
      <tr class="sum" aria-rowindex={2}>
        <td class="rn" />
        {columns.map((column) => (
          <Strip key={column.name} column={column} summary={summaries.get(column.name)} rows={summary?.totalRecords ?? 0} />
        ))}
        <td class="fill" aria-hidden="true" />
      </tr>
    </thead>
  );
}

function ColumnHead({ column, keys }: { column: GridColumn; keys: readonly SortKey[] }) {
  const place = keys.findIndex((key) => key.column === column.name);
  const direction = keys[place]?.direction;
  const click = (event: MouseEvent): void => setSort(sortedBy(keys, column.name, event.shiftKey));
  return (
    <th class={isNumeric(column) ? "num" : ""} scope="col" aria-sort={direction ?? "none"}>
      <button type="button" class="sorthead" tabIndex={-1} title={`${column.name}: sort (s); with Shift, sort by it too`} onClick={click}>
        <b>
          {direction && <Icon name={direction} />}
          {direction && keys.length > 1 && <span class="xs">{place + 1}</span>}
          <span class="cut">{column.name}</span>
        </b>
        <small class="cut">
          {column.type}
          {column.key && " · key"}
        </small>
      </button>
    </th>
  );
}
