/** The rows of an asset, or the value of a raw one. */
import { api, asking } from "../../api";
import { useFetched } from "../../parts/fetched";
import { counted } from "../../parts/format";
import { RowsTable } from "../../parts/rows_table";
import type { OfAsset } from "./asset_tabs";
import { taskShown } from "./shapes";

const ROWS = 200;

interface AssetData {
  readonly dataType: string;
  readonly data: unknown;
  readonly columns?: readonly string[];
  readonly rowCount?: number;
}

export function DataTab({ asset, view }: OfAsset) {
  const address = asking(api`/api/dag/asset/${asset.name}/data`, { taskId: taskShown(view.node), limit: ROWS });
  const { value, error } = useFetched<AssetData>(address, view.node?.endTime);
  if (error) return <p class="block muted">{error}</p>;
  if (value === undefined) return null;
  if (value === null) return <p class="block muted">No data of this asset is kept for this task.</p>;
  if (!value.columns) return <Value value={value.data} />;
  const rows = value.data as readonly Readonly<Record<string, unknown>>[];
  const total = value.rowCount ?? rows.length;
  return (
    <>
      <p class="block sm muted">{total > rows.length ? `The first ${rows.length} of ${counted(total, "row")}` : counted(total, "row")}</p>
      <RowsTable label={`Rows of ${asset.name}`} columns={value.columns} rows={rows} />
    </>
  );
}

function Value({ value }: { value: unknown }) {
  return (
    <pre class="rawvalue" tabIndex={0} role="region" aria-label="Value">
      {JSON.stringify(value, null, 2)}
    </pre>
  );
}
