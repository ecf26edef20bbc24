/** The top bar: project, views, palette, how live the page is, theme. */
import { computed } from "@preact/signals";
import { connection } from "../live/live";
import { Icon } from "../parts/icon";
import { timeOfDay } from "../parts/format";
import { link, place } from "../router";
import { project, testResults } from "../store";
import { openHelp, openPalette } from "./dialogs";
import { ThemeSwitch } from "./theme";

const failedTests = computed(() => [...testResults.value.values()].filter((result) => result.status === "FAILED").length);

export function TopBar() {
  return (
    <header class="top">
      <a class="brand" href={link("/")}>
        {project.value?.projectName ?? ""} <span>dagscope</span>
      </a>
      <Views />
      <span class="grow" />
      <button type="button" class="input palette" onClick={openPalette}>
        <span class="row">
          <Icon name="search" />
          Find or run…
        </span>
        <kbd>Ctrl K</kbd>
      </button>
      <Live />
      {project.value?.readOnly && (
        <span class="chip warn" title="Everything can be looked at; nothing can be run, changed or deleted">
          {project.value.isBundle ? "Bundle" : "Read-only"}
        </span>
      )}
      <ThemeSwitch />
      <button type="button" class="btn quiet icon" title="Help" aria-label="Help" onClick={openHelp}>
        <kbd>?</kbd>
      </button>
    </header>
  );
}

function Views() {
  const { view } = place.value;
  const current = (...views: string[]) => (views.includes(view) ? { "aria-current": "page" as const } : {});
  return (
    <nav class="nav" aria-label="Views">
      <a href={link("/")} {...current("dag", "asset")}>
        DAG
      </a>
      <a href={link("/tests")} {...current("tests")}>
        Tests
        {failedTests.value > 0 && (
          <span class="badge failed">
            <Icon name="failed" />
            {failedTests.value}
            <span class="vh"> failed</span>
          </span>
        )}
      </a>
      <a href={link("/logs")} {...current("logs")}>
        Logs
      </a>
      <a href={link("/history")} {...current("history", "task")}>
        History
      </a>
      <a href={link("/compare")} {...current("compare")}>
        Compare
      </a>
    </nav>
  );
}

/** Whether what the page shows is live. */
function Live() {
  const now = connection.value;
  if (now.state === "live") {
    return (
      <span class="live" role="status">
        <i />
        Live
      </span>
    );
  }
  const word = now.state === "connecting" ? "Connecting" : "Offline";
  return (
    <span class="live lost" role="status" title={now.state === "offline" ? `since ${timeOfDay(now.since)} UTC` : ""}>
      <i />
      {word}
    </span>
  );
}
