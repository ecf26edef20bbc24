/** Two tasks compared: why nodes are red first, then what changed of each asset. */
import "./compare.css";
import { useMemo } from "preact/hooks";
import { asking } from "../../api";
import { useFetched } from "../../parts/fetched";
import { count, counted } from "../../parts/format";
import { useKeys } from "../../keys";
import { go, here, param, setQuery } from "../../router";
import { summary, taskId, tasks } from "../../store";
import { AssetCard, TestLink } from "./asset_card";
import { AssetTable } from "./asset_table";
import { Causes } from "./causes";
import { type AssetDifference, type Comparison, inOrder, isChanged, type TestDifference } from "./comparison";
import { Pickers } from "./pickers";
import { RowGrids } from "./row_grids";

const CARDS_SHOWN = 20;

export function CompareView() {
  const { value, error } = useComparison();
  const compared = value ?? undefined;
  const assets = useMemo(() => (compared ? inOrder(compared.assets) : []), [compared]);
  useCompareKeys(assets);
  return (
    <main class="view" id="main" aria-busy={!compared && !error && taskId.value !== ""}>
      <div class="tools comparetools">
        <Pickers compared={compared} />
      </div>
      {compared ? <Compared compared={compared} assets={assets} /> : <Nothing error={error} />}
      <footer class="foot">
        <span>[ ] earlier or later task</span>
        <span>n next change</span>
        {param("asset") && <span>Esc all assets</span>}
        <span class="grow" />
        <span class="muted">Durations of single runs differ by chance: a difference under 20 ms says little</span>
      </footer>
    </main>
  );
}

/** The comparison of the two tasks in the address; again when the later one ends, or is retried. */
function useComparison() {
  const id = taskId.value;
  const version = `${summary.value?.status} ${summary.value?.endTime}`;
  return useFetched<Comparison>(id ? asking("/api/compare", { from: param("from"), to: id }) : "", version);
}

function useCompareKeys(assets: readonly AssetDifference[]): void {
  useKeys({
    n: () => {
      const changed = assets.filter(isChanged);
      const next = changed[changed.findIndex((asset) => asset.assetName === param("asset")) + 1] ?? changed[0];
      return next ? setQuery({ asset: next.assetName, change: null, at: null }) : false;
    },
    Escape: () => (param("asset") ? go(here({ asset: null, change: null, at: null })) : false),
  });
}

function Nothing({ error }: { error: string }) {
  if (taskId.value === "") {
    return (
      <div class="page">
        <div class="emptystate">
          <h1>No task yet</h1>
          <p class="muted">Two tasks can be compared once the DAG was run twice.</p>
        </div>
      </div>
    );
  }
  if (!error) return <div class="page" />;
  return (
    <div class="page">
      <div class="emptystate">
        <h1>{error.split(":", 1)[0]}</h1>
        <p class="muted">{error.slice(error.indexOf(":") + 1)}</p>
        {tasks.value.length > 1 && <p>Choose a task to compare with above.</p>}
      </div>
    </div>
  );
}

function Compared({ compared, assets }: { compared: Comparison; assets: readonly AssetDifference[] }) {
  const chosen = param("asset");
  if (!chosen) return <Overview compared={compared} assets={assets} />;
  const asset = assets.find((one) => one.assetName === chosen);
  return (
    <div class="page comparepage">
      <p>
        <a href={here({ asset: null, change: null, at: null })}>← All assets</a>
      </p>
      {asset ? <Alone key={chosen} compared={compared} asset={asset} /> : <h1>Neither of the two tasks has {chosen}</h1>}
    </div>
  );
}

/** One asset. Its rows are compared however many they are. */
function Alone({ compared, asset: listed }: { compared: Comparison; asset: AssetDifference }) {
  const { from, to } = compared;
  const query = { from: from.taskId, to: to.taskId, asset: listed.assetName };
  const { value } = useFetched<Comparison>(asking("/api/compare", query), to.attempt);
  const asset = value?.assets[0] ?? listed;
  const { added, removed, changed } = asset.rows.difference ?? { added: 0, removed: 0 };
  return (
    <>
      <AssetCard asset={asset} task={to} isAlone />
      {(added > 0 || removed > 0 || !!changed) && <RowGrids name={asset.assetName} compared={compared} />}
    </>
  );
}

function Overview({ compared, assets }: { compared: Comparison; assets: readonly AssetDifference[] }) {
  const changed = useMemo(() => assets.filter(isChanged), [assets]);
  const more = changed.length - CARDS_SHOWN;
  return (
    <div class="page comparepage">
      <Causes compared={compared} />
      <div class="comparesplit">
        <div class="cards" role="group" aria-label="What changed" tabIndex={0}>
          <h2>
            {counted(changed.length, "asset")} changed <span class="muted">{count(assets.length - changed.length)} as before</span>
          </h2>
          {changed.slice(0, CARDS_SHOWN).map((asset) => (
            <AssetCard key={asset.assetName} asset={asset} task={compared.to} />
          ))}
          {more > 0 && <p class="muted">{counted(more, "more changed asset is", "more changed assets are")} at the top of the list.</p>}
          <RootTests tests={compared.rootTests} />
        </div>
        <AssetTable assets={assets} />
      </div>
    </div>
  );
}

/** The tests of the whole project that ended otherwise; not those that the later task did not run. */
function RootTests({ tests }: { tests: readonly TestDifference[] }) {
  const ran = tests.filter((test) => test.to);
  if (ran.length === 0) return null;
  return (
    <section class="card block" aria-label="Tests of the whole project">
      <ul class="sm">
        {ran.map((test) => (
          <li key={test.testName}>
            <TestLink test={test} />
          </li>
        ))}
      </ul>
    </section>
  );
}
