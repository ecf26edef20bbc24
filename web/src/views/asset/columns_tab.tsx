/** The columns of an asset and what they come from; the chosen one is followed through the DAG. */
import { useEffect, useRef } from "preact/hooks";
import { api } from "../../api";
import { chosenColumn, type ColumnOrigin, columnWay, columnWayError, type How, type WayColumn } from "../../column_way";
import { useFetched } from "../../parts/fetched";
import { capital } from "../../parts/format";
import { Icon } from "../../parts/icon";
import { assetAddress, setQuery } from "../../router";
import { project } from "../../store";
import "../../parts/statement.css";
import type { OfAsset } from "./asset_tabs";
import { hasQuery } from "./shapes";

interface LineageColumn {
  readonly name: string;
  readonly how: How;
  readonly why?: string;
  readonly from: readonly ColumnOrigin[];
}

const WORDS: Record<How, string> = {
  same: "",
  constant: "constant",
  expression: "computed",
  window: "of other rows",
  aggregate: "aggregated",
  unknown: "not known",
};

export function ColumnsTab({ asset, view }: OfAsset) {
  const version = `${project.value?.loadedTimeMs} ${view.node?.endTime}`;
  const address = hasQuery(asset) ? api`/api/dag/asset/${asset.name}/lineage` : "";
  const { value, error } = useFetched<{ readonly columns: readonly LineageColumn[] }>(address, version);
  if (asset.materialization === "raw") return <p class="block muted">It is Python, whose columns cannot be followed.</p>;
  if (!hasQuery(asset)) return <p class="block muted">Its statements run as they are written, and its columns are not followed.</p>;
  if (error) return <p class="block muted">{error}</p>;
  if (!value) return null;
  return (
    <div class="scroll rowsbox columns">
      <p class="block xs faint">Choose a column to follow it through the DAG.</p>
      <ul aria-label={`Columns of ${asset.name}`}>
        {value.columns.map((column, index) => (
          <Column key={index} column={column} id={`column-${index}`} />
        ))}
      </ul>
    </div>
  );
}

function Column({ column, id }: { column: LineageColumn; id: string }) {
  const open = chosenColumn.value.toLowerCase() === column.name.toLowerCase();
  const item = useRef<HTMLLIElement>(null);
  useEffect(() => {
    if (open) item.current?.scrollIntoView({ block: "nearest" });
  }, [open, open && columnWay.value]);
  return (
    <li ref={item}>
      <button
        type="button"
        class="statement"
        aria-expanded={open}
        aria-controls={id}
        onClick={() => setQuery({ column: open ? null : column.name })}
      >
        <Icon name={open ? "down" : "right"} />
        <b class="cut">{column.name}</b>
        <span class="faint">{WORDS[column.how]}</span>
        <span class="grow cut faint from">{column.from.map(nameOf).join(", ")}</span>
      </button>
      {open && (
        <div id={id} class="opened">
          <Way why={column.why} />
        </div>
      )}
    </li>
  );
}

const nameOf = ({ asset, relation, column }: ColumnOrigin): string => `${asset ?? relation}.${column}`;

function Way({ why }: { why: string | undefined }) {
  const way = columnWay.value;
  if (columnWayError.value) return <p class="block sm muted">{columnWayError.value}</p>;
  if (!way) return <p class="block xs faint">Following it …</p>;
  const reasons = Object.entries(way.reasons);
  return (
    <>
      {why && <p class="block sm muted">{capital(why)}</p>}
      <List title="Comes from" columns={way.columns.filter((each) => each.side === "upstream")} none="Nothing in the DAG." />
      <List title="Goes to" columns={way.columns.filter((each) => each.side === "downstream")} none="No column of another asset." />
      {reasons.map(([asset, reason]) => (
        <p key={asset} class="block sm muted">
          {asset} ends the way: {reason}.
        </p>
      ))}
      {!way.isWhole && <p class="block sm muted">There is more: too many assets would have to be looked at.</p>}
    </>
  );
}

function List({ title, columns, none }: { title: string; columns: readonly WayColumn[]; none: string }) {
  return (
    <>
      <h3 class="caption block">{title}</h3>
      {columns.length === 0 && <p class="block sm muted">{none}</p>}
      <ul class="wayof" aria-label={title}>
        {columns.map((each) => (
          <li key={`${each.asset} ${each.column}`} class="row sm">
            <a href={assetAddress(each.asset, { tab: "columns", column: each.column })}>
              {each.asset}.<b>{each.column}</b>
            </a>
            <span class="faint cut" title={each.why}>
              {WORDS[each.how]}
            </span>
          </li>
        ))}
      </ul>
    </>
  );
}
