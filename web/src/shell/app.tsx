/** The frame around every view. */
import { useEffect } from "preact/hooks";
import { connection } from "../live/live";
import { lazy } from "../parts/lazy";
import { place, type ViewName } from "../router";
import { loadError, loaded, signInNeeded } from "../store";
import { Dialogs, fetchDialogs } from "./dialogs";
import { useGlobalKeys } from "./global_keys";
import { Notices } from "./notices";
import { SignIn } from "./sign_in";
import { showStateInTab } from "./tab_sign";
import { TaskBar } from "./task_bar";
import { Toasts, watchForEnds } from "./toasts";
import { TopBar } from "./top_bar";

const VIEWS: Record<ViewName, ReturnType<typeof lazy>> = {
  dag: lazy(async () => (await import("../views/dag/dag_view")).DagView),
  tests: lazy(async () => (await import("../views/tests/tests_view")).TestsView),
  logs: lazy(async () => (await import("../views/logs/logs_view")).LogsView),
  history: lazy(async () => (await import("../views/history/history_view")).HistoryView),
  compare: lazy(async () => (await import("../views/compare/compare_view")).CompareView),
  task: lazy(async () => (await import("../views/task/task_view")).TaskView),
  asset: lazy(async () => (await import("../views/asset/asset_page")).AssetPage),
  unknown: lazy(async () => (await import("../views/unknown_view")).UnknownView),
};

export function App() {
  useGlobalKeys();
  useEffect(() => {
    showStateInTab();
    watchForEnds();
    fetchDialogs();
  }, []);
  const { view, name } = place.value;
  const View = VIEWS[view];
  return (
    <div class={connection.value.state === "offline" ? "app stale" : "app"}>
      <a class="skip-link" href="#main">
        Skip to the view
      </a>
      <TopBar />
      <TaskBar />
      <div class="under">
        <Notices />
        {loaded.value ? (
          <View key={view === "asset" || view === "task" ? `${view} ${name}` : view} />
        ) : signInNeeded.value ? (
          <SignIn />
        ) : (
          <main class="view" id="main">
            {loadError.value && <p class="block">{loadError.value}</p>}
          </main>
        )}
      </div>
      <Dialogs />
      <Toasts />
    </div>
  );
}
