/** The failing rows of a test by what became of them: new ones first, then those that are fixed, then those that stay. */
import { useRef } from "preact/hooks";
import { isNumeric, widthOf } from "../../grid/cells";
import { Value } from "../../grid/value";
import { FilterChip } from "../../parts/filter_chip";
import { count, counted } from "../../parts/format";
import { Gap } from "../../parts/gap";
import { Icon } from "../../parts/icon";
import { useWindow } from "../../parts/windowed";
import { here, param, setQuery } from "../../router";
import { asNewest } from "../../store";
import { BECAME, type Became, type Ledger, type LedgerRow, ledgerRows, unlisted } from "./ledger";

export function BecameWord({ became }: { became: Became }) {
  const { word, icon, look } = BECAME[became];
  return (
    <span class={`st st-${look}`}>
      <Icon name={icon} />
      {word}
    </span>
  );
}

/** A filter for each kind of row that there is. */
export function BecameChips({ ledger }: { ledger: Ledger }) {
  const chosen = param("became");
  return (
    <>
      {ledger.groups.map(({ state, count: rows }) => (
        <FilterChip key={state} isOn={chosen === state} toggle={() => setQuery({ became: chosen === state ? null : state })}>
          <BecameWord became={state} />
          <b>{count(rows)}</b>
        </FilterChip>
      ))}
    </>
  );
}

export function LedgerRows({ ledger, label }: { ledger: Ledger; label: string }) {
  const only = param("became");
  const rows = ledgerRows(ledger, only);
  const box = useRef<HTMLDivElement>(null);
  const { from, to } = useWindow(box, rows.length);
  const more = unlisted(ledger, only);
  const cells = rows.slice(0, 60).map((row) => row.cells);
  return (
    <div class="scroll rowsbox ledgerbox" ref={box} tabIndex={0} role="group" aria-label={label}>
      <table class="table fixed ledger" aria-label={label} aria-rowcount={rows.length + 1}>
        <colgroup>
          <col style={{ width: "112px" }} />
          {ledger.columns.map((column, place) => (
            <col key={column.name} style={{ width: `${widthOf(column, place, cells)}px` }} />
          ))}
          <col style={{ width: "168px" }} />
        </colgroup>
        <thead>
          <tr>
            <th scope="col">Ledger</th>
            {ledger.columns.map((column) => (
              <th key={column.name} scope="col" class={isNumeric(column) ? "num" : ""} title={column.type}>
                {column.name}
                {column.key && <span class="faint"> · key</span>}
              </th>
            ))}
            <th scope="col">Fails since</th>
          </tr>
        </thead>
        <tbody>
          <Gap rows={from} />
          {rows.slice(from, to).map((row, index) => (
            <Row key={from + index} row={row} ledger={ledger} place={from + index + 2} />
          ))}
          <Gap rows={rows.length - to} />
        </tbody>
      </table>
      {rows.length === 0 && <p class="block sm muted">No row of this kind. Another filter shows the others.</p>}
      {more > 0 && <p class="block sm muted">{counted(more, "more row is", "more rows are")} not listed here.</p>}
    </div>
  );
}

function Row({ row, ledger, place }: { row: LedgerRow; ledger: Ledger; place: number }) {
  const gone = row.became === "fixed" || row.became === "maybeFixed";
  return (
    <tr class={gone ? "gone" : ""} aria-rowindex={place}>
      <td>
        <BecameWord became={row.became} />
      </td>
      {ledger.columns.map((column, index) => (
        <td key={column.name} class={isNumeric(column) ? "mono num" : "mono"}>
          <Value value={row.cells[index]} />
        </td>
      ))}
      <td class="faint cut">
        <a href={here({ task: asNewest(row.since), became: null })} title={row.since}>
          {row.since}
        </a>
        {!row.sinceIsExact && " or earlier"}
      </td>
    </tr>
  );
}
