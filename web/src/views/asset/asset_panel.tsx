/** An asset: beside the graph, or on a page of its own. */
import type { ComponentChildren } from "preact";
import { useKeys } from "../../keys";
import { RunButton } from "../../parts/run_button";
import { here, link, place, setQuery } from "../../router";
import { assets, canRun, loaded, viewOf } from "../../store";
import { runAssets } from "../../run";
import { toggleBreakpoint } from "../../breakpoints";
import { useColumnWay } from "../../column_way";
import { AssetTabs, shownTab } from "./asset_tabs";
import { Breakpoint } from "./breakpoint";
import { Facts } from "./facts";
import { Header } from "./header";
import { Trouble } from "./trouble";
import "./asset.css";

export function AssetPanel({ name }: { name: string }) {
  const asset = assets.value.get(name);
  const whole = place.value.view === "asset";
  const run = (select: string) => (): void => void (canRun.value && asset && runAssets({ select }));
  useKeys({
    r: run(name),
    "Shift R": run(`${name}+`),
    b: () => (asset ? toggleBreakpoint(name) : false),
    Escape: () => (whole || !param() ? false : setQuery({ asset: null, row: null, column: null })),
  });
  useColumnWay(name, asset && viewOf(asset).node?.endTime);
  if (!asset) return loaded.value ? <NoAsset name={name} whole={whole} /> : <section class="panel" />;
  const view = viewOf(asset);
  if (whole && shownTab() === "data") {
    // Rows get the whole width: of the facts, only the title stays.
    return (
      <section class="panel asset full" aria-label={name}>
        <Header asset={asset} view={view} whole />
        <AssetTabs asset={asset} view={view} />
      </section>
    );
  }
  return (
    <section class={whole ? "panel asset whole" : "panel asset"} aria-label={name}>
      <div class="facts">
        <Header asset={asset} view={view} whole={whole} />
        <Trouble asset={asset} view={view} />
        <div class="block row runs">
          <Run select={name} primary>
            Run <kbd>r</kbd>
          </Run>
          <Run select={`+${name}`} title="Run it and everything that it reads">
            With upstreams
          </Run>
          <Run select={`${name}+`} title="Run it and everything that reads it (Shift R)">
            With downstreams
          </Run>
        </div>
        <Breakpoint name={name} />
        <Facts asset={asset} view={view} />
      </div>
      <AssetTabs asset={asset} view={view} />
    </section>
  );
}

const param = (): boolean => place.value.query.has("asset");

interface RunProps {
  readonly select: string;
  readonly title?: string;
  readonly primary?: boolean;
  readonly children: ComponentChildren;
}

function Run({ select, title, primary, children }: RunProps) {
  return (
    <RunButton class={primary ? "btn primary" : "btn"} label={title} onRun={() => runAssets({ select })}>
      {children}
    </RunButton>
  );
}

function NoAsset({ name, whole }: { name: string; whole: boolean }) {
  return (
    <section class="panel asset" aria-label={name}>
      <header>
        <h1 class="cut">There is no such asset</h1>
        <p class="muted">
          The project has no asset <code>{name}</code>: its file was deleted or renamed.
        </p>
        <p>{whole ? <a href={link("/")}>Open the DAG</a> : <a href={here({ asset: null })}>Close</a>}</p>
      </header>
    </section>
  );
}
