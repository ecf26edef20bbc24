/** A small form for one more condition. */
import { useEffect, useRef, useState } from "preact/hooks";
import { useKeys } from "../keys";
import { isFiltered, isText } from "./cell_dialog";
import { hasValue, OPERATORS, signOf, type Operator } from "./conditions";
import type { GridColumn } from "./source";
import { addFilter } from "./use_grid";

export function FilterForm({ columns, first, close }: { columns: readonly GridColumn[]; first: number; close: () => void }) {
  const [column, setColumn] = useState(columns[first]?.name ?? "");
  const [operator, setOperator] = useState<Operator>("eq");
  const [value, setValue] = useState("");
  const start = useRef<HTMLSelectElement>(null);
  useEffect(() => start.current?.focus(), []);
  useKeys({ Escape: close });
  const found = columns.find((each) => each.name === column);
  const known = OPERATORS.filter((each) => fits(each, found));
  const chosen = known.includes(operator) ? operator : known[0]!;
  const submit = (event: Event): void => {
    event.preventDefault();
    addFilter({ column, operator: chosen, value });
    close();
  };
  return (
    <form class="dialog filterform" aria-label="Add a filter" onSubmit={submit}>
      <select class="text" aria-label="Column" ref={start} value={column} onChange={(event) => setColumn(event.currentTarget.value)}>
        {columns.map(({ name }) => (
          <option key={name} value={name}>
            {name}
          </option>
        ))}
      </select>
      <select class="text" aria-label="Condition" value={chosen} onChange={(event) => setOperator(event.currentTarget.value as Operator)}>
        {known.map((each) => (
          <option key={each} value={each}>
            {signOf(each)}
          </option>
        ))}
      </select>
      {hasValue(chosen) && (
        <input
          class="text mono"
          aria-label="Value"
          placeholder={chosen === "in" ? "values, with commas between" : (found?.type ?? "")}
          value={value}
          onInput={(event) => setValue(event.currentTarget.value)}
        />
      )}
      <button type="submit" class="btn primary">
        Add
      </button>
    </form>
  );
}

function fits(operator: Operator, column: GridColumn | undefined): boolean {
  if (!column || !hasValue(operator)) return true;
  if (!isFiltered(column)) return false;
  return isText(column) || (operator !== "contains" && operator !== "startswith");
}
