/** The steps of an asset's query. */
import { api } from "../../api";
import { project } from "../../store";
import { Steps } from "../steps/steps";
import type { OfAsset } from "./asset_tabs";

export function StepsTab({ asset, view }: OfAsset) {
  if (asset.materialization === "raw") return <p class="block muted">It is Python, which has no steps.</p>;
  if (asset.materialization === "custom") return <p class="block muted">Its statements run as they are written and may write, so they are not taken apart.</p>;
  const version = `${project.value?.loadedTimeMs} ${view.node?.endTime}`;
  return <Steps path={api`/api/dag/asset/${asset.name}/steps`} name={asset.name} version={version} />;
}
