/** All assets of both tasks with their rows and durations; those that changed come first. */
import { useMemo, useRef } from "preact/hooks";
import { count } from "../../parts/format";
import { Gap } from "../../parts/gap";
import { Icon } from "../../parts/icon";
import { useWindow } from "../../parts/windowed";
import { here } from "../../router";
import { StateNow } from "./asset_card";
import type { AssetDifference } from "./comparison";

const SAYS_LITTLE_MS = 20;
const COLUMNS = ["state", "asset", "rows", "n", "d", "ms", "d", "d", "longer"] as const;

export function AssetTable({ assets }: { assets: readonly AssetDifference[] }) {
  const box = useRef<HTMLDivElement>(null);
  const { from, to } = useWindow(box, assets.length);
  const most = useMemo(() => Math.max(1, ...assets.map((asset) => Math.abs(slower(asset) ?? 0))), [assets]);
  return (
    <section class="card comparetable" aria-label="Rows and durations">
      <header>
        <h2 class="grow">Rows and durations</h2>
        <span class="xs muted">
          <Icon name="edit" /> its code changed
        </span>
      </header>
      <div class="scroll rowsbox" ref={box} tabIndex={0} role="group" aria-label="Rows and durations of each asset">
        <table class="table fixed" aria-label="Assets" aria-rowcount={assets.length + 1}>
          <colgroup>
            {COLUMNS.map((kind, index) => (
              <col key={index} class={kind} />
            ))}
          </colgroup>
          <thead>
            <tr>
              <th scope="col">Now</th>
              <th scope="col">Asset</th>
              <th scope="col" class="num">Rows before</th>
              <th scope="col" class="num">now</th>
              <th scope="col" class="num">±</th>
              <th scope="col" class="num">ms before</th>
              <th scope="col" class="num">now</th>
              <th scope="col" class="num">±</th>
              <th scope="col">
                <span class="vh">How much longer</span>
              </th>
            </tr>
          </thead>
          <tbody>
            <Gap rows={from} />
            {assets.slice(from, to).map((asset, index) => (
              <Row key={asset.assetName} asset={asset} place={from + index + 2} most={most} />
            ))}
            <Gap rows={assets.length - to} />
          </tbody>
        </table>
      </div>
    </section>
  );
}

/** By how many ms it took longer; undefined where one of the two is not known. */
function slower({ durationMs: { from, to } }: AssetDifference): number | undefined {
  return from === undefined || to === undefined ? undefined : to - from;
}

function Row({ asset, place, most }: { asset: AssetDifference; place: number; most: number }) {
  const { rows, durationMs, assetName: name } = asset;
  const more = slower(asset);
  return (
    <tr aria-rowindex={place}>
      <td>
        <StateNow asset={asset} />
      </td>
      <td title={name}>
        {asset.sql && (
          <span title="its code changed">
            <Icon name="edit" />
            <span class="vh">its code changed</span>{" "}
          </span>
        )}
        <a href={here({ asset: name })}>{name}</a>
      </td>
      <Count value={rows.from} />
      <Count value={rows.to} />
      <td class="num">
        <RowsMore asset={asset} />
      </td>
      <Count value={durationMs.from} />
      <Count value={durationMs.to} />
      <td class={more !== undefined && Math.abs(more) < SAYS_LITTLE_MS ? "num faint" : "num"}>{more !== undefined && plus(more)}</td>
      <td>{more !== undefined && <Bar share={more / most} />}</td>
    </tr>
  );
}

const Count = ({ value }: { value: number | undefined }) => <td class="num">{value !== undefined && count(value)}</td>;

function RowsMore({ asset: { rows } }: { asset: AssetDifference }) {
  if (rows.from === undefined || rows.to === undefined) return null;
  if (rows.from !== rows.to) return <b class="strong">{plus(rows.to - rows.from)}</b>;
  if (rows.same === false) return <b class="strong" title="as many rows, but others">≠</b>;
  return (
    <span class="faint" title={rows.same ? "the same rows" : "as many rows"}>
      =
    </span>
  );
}

const plus = (value: number): string => (value < 0 ? `−${count(-value)}` : value > 0 ? `+${count(value)}` : "=");

/** To the right of the middle if it took longer, to the left if less. */
function Bar({ share }: { share: number }) {
  return (
    <span class="dbar" aria-hidden="true">
      <i style={{ [share < 0 ? "right" : "left"]: "50%", width: `${Math.abs(share) * 50}%` }} />
    </span>
  );
}
