/** The cell that is selected, in full. It stays open while arrows move. */
import { useKeys } from "../keys";
import { count } from "../parts/format";
import { Icon } from "../parts/icon";
import { isNumeric, jsonOf, lengthOf, textOf } from "./cells";
import type { GridColumn, GridRow } from "./source";
import { addFilter, type Place } from "./use_grid";
import { Value } from "./value";

interface CellDialogProps {
  readonly columns: readonly GridColumn[];
  readonly row: GridRow | undefined;
  readonly place: Place;
  readonly rows: number;
  /** The address that says where the row comes from and goes to. */
  readonly trace: string | null | undefined;
  readonly copy: () => void;
  readonly close: () => void;
}

const JSON_SHOWN = 2_000;

export function CellDialog({ columns, row, place, rows, trace, copy, close }: CellDialogProps) {
  const column = columns[place.column]!;
  const value = row?.[place.column];
  useKeys({ Escape: close, c: copy });
  const only = (): void => {
    if (value === null) addFilter({ column: column.name, operator: "isnull", value: "" });
    else addFilter({ column: column.name, operator: "eq", value: textOf(value) });
  };
  const keys = row ? columns.flatMap((each, index) => (each.key ? [textOf(row[index])] : [])) : [];
  return (
    <div class="dialog celldlg" role="dialog" aria-label={`Cell of ${column.name}`}>
      <header>
        <h2 class="grow cut">
          {column.name} <span class="faint type">{column.type}</span>
        </h2>
        <button type="button" class="btn quiet icon" title="Close, Esc" aria-label="Close" onClick={close}>
          <Icon name="close" />
        </button>
      </header>
      <div class="block cellbody">
        <div class="value" tabIndex={0} role="region" aria-label="Value">
          {row && <WholeValue value={value} column={column} />}
        </div>
        <dl class="kv">
          <dt>Length</dt>
          <dd>{row && lengthOf(value, column)}</dd>
          <dt>Row</dt>
          <dd>
            {count(place.row + 1)} of {count(rows)}
          </dd>
          {keys.length > 0 && (
            <>
              <dt>Key</dt>
              <dd class="mono cut" title={keys.join(" · ")}>
                {keys.join(" · ")}
              </dd>
            </>
          )}
          <dt>As JSON</dt>
          <dd class="mono cut">{row && jsonOf(value, column).slice(0, JSON_SHOWN)}</dd>
        </dl>
      </div>
      <footer>
        <button type="button" class="btn" onClick={copy}>
          Copy <kbd>c</kbd>
        </button>
        {isFiltered(column) && row && (
          <button type="button" class="btn" onClick={only}>
            Only this value
          </button>
        )}
        {trace && (
          <a class="btn" href={trace} title="Where the row comes from and where it goes">
            Trace <kbd>t</kbd>
          </a>
        )}
        <span class="grow" />
        {!trace && <span class="xs faint">arrows move the cell</span>}
      </footer>
    </div>
  );
}

function WholeValue({ value, column }: { value: unknown; column: GridColumn }) {
  if (value === null || value === "") return <Value value={value} />;
  return <>{typeof value === "object" ? jsonOf(value, column) : textOf(value)}</>;
}

/** Whether values of the column can be compared with one. */
export const isFiltered = (column: GridColumn): boolean => !/\[\]$|^(STRUCT|MAP)\(|^(BLOB|INTERVAL)$/.test(column.type);
export const isText = (column: GridColumn): boolean =>
  !isNumeric(column) && isFiltered(column) && !/^(BOOLEAN|DATE|TIME|TIMESTAMP|TIMESTAMPTZ|UUID)$/.test(column.type);
