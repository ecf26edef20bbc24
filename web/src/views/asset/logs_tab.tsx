/** What an asset logged in the task in view. */
import { lazy } from "../../parts/lazy";
import type { OfAsset } from "./asset_tabs";
import { NotInTask } from "./other_task";
import { taskShown } from "./shapes";

const LogList = lazy(async () => (await import("../logs/log_list")).LogList);

export function LogsTab({ asset, view }: OfAsset) {
  const task = taskShown(view.node);
  if (!task) return <NotInTask name={asset.name} />;
  return <LogList task={task} asset={asset.name} />;
}
