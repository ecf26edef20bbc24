/** Assets by how long they take: the slowest beside the tasks, or all of them. */
import { computed } from "@preact/signals";
import { useRef } from "preact/hooks";
import type { NodeState } from "../../api";
import { count, counted, duration } from "../../parts/format";
import { Gap } from "../../parts/gap";
import { type Look, lookOf, WORDS } from "../../parts/look";
import { useWindow } from "../../parts/windowed";
import { assetPath, here, link, taskPath } from "../../router";
import { type AssetFigures, figuresOf } from "./history_figures";
import { history } from "./shown_history";
import { Sparkline } from "./sparkline";

const SLOWEST_SHOWN = 10;

const figures = computed(() => figuresOf(history.value?.assets ?? []));
const states = computed<ReadonlyMap<string, readonly (NodeState | null)[]>>(
  () => new Map((history.value?.assets ?? []).map((asset) => [asset.name, asset.states])),
);

const href = (name: string): string => link(assetPath(name), { tab: "history" });

export function SlowestAssets() {
  const shown = figures.value.slice(0, SLOWEST_SHOWN);
  const more = figures.value.length - shown.length;
  return (
    <section class="card slowest" aria-label="Slowest assets">
      <table class="table fixed">
        <colgroup>
          {["", "line", "ms", "ms"].map((kind, index) => (
            <col key={index} class={kind} />
          ))}
        </colgroup>
        <thead>
          <tr>
            <th scope="col">Slowest assets</th>
            <th scope="col">{counted(history.value?.tasks.length ?? 0, "task")}</th>
            <th scope="col" class="num">Median</th>
            <th scope="col" class="num">Last</th>
          </tr>
        </thead>
        <tbody>
          {shown.map((asset) => (
            <tr key={asset.name}>
              <td title={asset.name}>
                <a href={href(asset.name)}>{asset.name}</a>
              </td>
              <td>
                <Sparkline values={asset.durations} width={104} />
              </td>
              <Ms value={asset.median} />
              <Last asset={asset} />
            </tr>
          ))}
        </tbody>
      </table>
      {more > 0 && (
        <p class="block sm">
          <a href={here({ by: "asset" })}>All {count(figures.value.length)} assets</a>
        </p>
      )}
    </section>
  );
}

function Ms({ value }: { value: number }) {
  return <td class="num">{duration(value)}</td>;
}

/** The duration in the newest task that executed the asset, which is not always the newest task. */
function Last({ asset: { last, lastIndex } }: { asset: AssetFigures }) {
  const tasks = history.value?.tasks ?? [];
  const id = tasks[lastIndex]?.taskId ?? "";
  const isNewest = lastIndex === tasks.length - 1;
  return (
    <td class="num" title={`in ${id}`}>
      {isNewest ? duration(last) : <a href={taskPath(id)}>{duration(last)}</a>}
    </td>
  );
}

/** Every asset with its line, its state in each task, and its figures; the slowest first. */
export function AllAssets() {
  const container = useRef<HTMLDivElement>(null);
  const all = figures.value;
  const { from, to } = useWindow(container, all.length);
  return (
    <section class="card allassets" aria-label="Durations of each asset">
      <header>
        <h2>{counted(all.length, "asset")}</h2>
        <span class="muted sm">slowest first, durations with tests, oldest task on the left</span>
      </header>
      <div class="scroll" ref={container}>
        <table class="table fixed" aria-rowcount={all.length + 1} tabIndex={0} aria-label="Durations of each asset">
          <colgroup>
            {["name", "line", "states", "ms", "ms", "ms", ""].map((kind, index) => (
              <col key={index} class={kind} />
            ))}
          </colgroup>
          <thead>
            <tr aria-rowindex={1}>
              <th scope="col">Asset</th>
              <th scope="col">Duration</th>
              <th scope="col">States</th>
              <th scope="col" class="num">Median</th>
              <th scope="col" class="num">Slowest</th>
              <th scope="col" class="num">Last</th>
              <th scope="col">Last against median</th>
            </tr>
          </thead>
          <tbody>
            <Gap rows={from} />
            {all.slice(from, to).map((asset, index) => (
              <AssetRow key={asset.name} asset={asset} row={from + index + 2} />
            ))}
            <Gap rows={all.length - to} />
          </tbody>
        </table>
      </div>
    </section>
  );
}

function AssetRow({ asset, row }: { asset: AssetFigures; row: number }) {
  return (
    <tr aria-rowindex={row}>
      <td title={asset.name}>
        <a class="strong" href={href(asset.name)}>
          {asset.name}
        </a>
      </td>
      <td>
        <Sparkline values={asset.durations} width={240} />
      </td>
      <td>
        <States of={states.value.get(asset.name) ?? []} />
      </td>
      <Ms value={asset.median} />
      <Ms value={asset.slowest} />
      <Last asset={asset} />
      <td class="muted">{against(asset)}</td>
    </tr>
  );
}

/** How the last duration compares, in words: "twice as long", where it differs by more than a quarter. */
function against({ last, median }: AssetFigures): string {
  if (median === 0) return "";
  const ratio = last / median;
  if (ratio > 1.25) return `${ratio.toFixed(1)} times as long`;
  return ratio < 0.75 ? `${Math.round((1 - ratio) * 100)} % shorter` : "";
}

const LOOK_OF_NONE: Look = "waiting";

function States({ of }: { of: readonly (NodeState | null)[] }) {
  const looks = of.map((state) => (state === null ? null : state === "INITIAL" ? "skipped" : lookOf(state)));
  const failed = looks.filter((look) => look === "failed").length;
  return (
    <span class="segs states" role="img" aria-label={failed ? `failed in ${counted(failed, "task")}` : "failed in none of the tasks"}>
      {looks.map((look, index) => (
        <i key={index} class={look ?? "none"} title={WORDS[look ?? LOOK_OF_NONE]} />
      ))}
    </span>
  );
}
