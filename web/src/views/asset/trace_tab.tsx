/** Where a row comes from and where it goes: the rows of upstreams and downstreams, from which one can go on. */
import { api } from "../../api";
import { type Condition, conditionText } from "../../grid/conditions";
import { FirstRows } from "../../grid/few_rows";
import { rowOf, rowText } from "../../grid/row_text";
import type { GridColumn, GridRow } from "../../grid/source";
import { textOf } from "../../grid/cells";
import { count } from "../../parts/format";
import { usePosted } from "../../parts/posted";
import { assetAddress, assetPath, link, param } from "../../router";
import { project } from "../../store";
import type { OfAsset } from "./asset_tabs";
import { linkOfAsset } from "./shapes";

const FIRST_ROWS = 10;

/** The rows of another asset that a row leads to. */
interface TracedRows {
  readonly asset: string;
  readonly sentence: string;
  readonly readAs?: string;
  readonly followed: readonly { readonly column: string; readonly other: string }[];
  readonly notFollowed: readonly string[];
  readonly matchingRecords?: number;
  readonly columns?: readonly GridColumn[];
  readonly rows?: readonly GridRow[];
}

/** POST /api/dag/asset/{name}/trace */
interface RowTrace {
  readonly sentence: string;
  readonly row: Readonly<Record<string, unknown>>;
  readonly upstreams: readonly TracedRows[];
  readonly downstreams: readonly TracedRows[];
}

/** The address at which a row of an asset is traced. */
export function traceAddress(asset: string, columns: readonly GridColumn[], row: GridRow): string {
  return assetAddress(asset, { tab: "trace", row: rowText(columns, row) }, { column: null, cell: null, filter: null, sort: null });
}

export function TraceTab({ asset, view }: OfAsset) {
  const row = rowOf(param("row"));
  const version = `${project.value?.loadedTimeMs} ${view.node?.endTime}`;
  const path = row ? api`/api/dag/asset/${asset.name}/trace` : "";
  const { value, error } = usePosted<RowTrace>(path, { row, limit: FIRST_ROWS }, version, (answer) => Boolean(answer.upstreams));
  if (!row) return <p class="block muted">Select a row in Data and press t, to see where it comes from and where it goes.</p>;
  if (error) return <p class="block muted">{error}</p>;
  if (!value) return <p class="block xs faint">Looking for the rows …</p>;
  const columns = Object.keys(value.row).map((name) => ({ name, type: typeof value.row[name] === "number" ? "DOUBLE" : "" }));
  return (
    <div class="scroll rowsbox trace">
      <section class="block" aria-label="The row">
        <p class="xs faint">{value.sentence} Tables are read as they are now.</p>
        <FirstRows region="Values of the row" label="The row" columns={columns} rows={[Object.values(value.row)]} />
      </section>
      <Side title="Comes from" none="It reads no asset." found={value.upstreams} row={value.row} />
      <Side title="Goes to" none="No asset reads it." found={value.downstreams} row={value.row} />
    </div>
  );
}

interface SideProps {
  readonly title: string;
  readonly none: string;
  readonly found: readonly TracedRows[];
  readonly row: RowTrace["row"];
}

function Side({ title, none, found, row }: SideProps) {
  return (
    <section aria-label={title}>
      <h2 class="caption block">{title}</h2>
      {found.length === 0 && <p class="block sm muted">{none}</p>}
      {found.map((each, index) => (
        <Traced key={`${each.asset} ${index}`} found={each} row={row} />
      ))}
    </section>
  );
}

function Traced({ found, row }: { found: TracedRows; row: RowTrace["row"] }) {
  const { asset, columns, rows } = found;
  const label = `Rows of ${asset}${found.readAs ? ` as ${found.readAs}` : ""}`;
  return (
    <div class="block traced">
      <h3 class="row">
        <a href={linkOfAsset(asset)}>{asset}</a>
        {found.readAs && <span class="faint">read as {found.readAs}</span>}
      </h3>
      <p class="sm">{found.sentence}</p>
      {found.notFollowed.length > 0 && (
        <p class="sm muted">
          Not followed:{" "}
          {found.notFollowed.map((text, index) => (
            <span key={text}>
              {index > 0 && ", "}
              <code>{text}</code>
            </span>
          ))}
        </p>
      )}
      {columns && rows && rows.length > 0 && (
        <FirstRows
          label={label}
          columns={columns}
          rows={rows}
          lead={(each, index) => (
            <a href={traceAddress(asset, columns, each)} aria-label={`Trace row ${index + 1} of ${asset}`}>
              Trace
            </a>
          )}
        />
      )}
      {rows && (found.matchingRecords ?? 0) > rows.length && (
        <p class="sm">
          <a href={rowsAddress(found, row)}>All {count(found.matchingRecords!)} rows</a>
        </p>
      )}
    </div>
  );
}

/** All of these rows, as a filtered grid. */
function rowsAddress({ asset, followed }: TracedRows, row: RowTrace["row"]): string {
  const filter = followed.map(({ column, other }) => {
    const value = row[column];
    const condition: Condition = value === null ? { column: other, operator: "isnull", value: "" } : { column: other, operator: "eq", value: textOf(value) };
    return conditionText(condition);
  });
  return link(assetPath(asset), { tab: "data", filter });
}
