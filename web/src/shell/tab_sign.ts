/** The tab's title and icon: how the task stands, also while the page is not looked at. */
import { computed, effect } from "@preact/signals";
import { connection } from "../live/live";
import { allNodes, project, runs, summary } from "../store";
import { type Sign, signOf, svgOf, titleOf } from "./sign";

const sign = computed((): Sign => {
  const nodes = allNodes();
  const ended = nodes.filter((node) => node.state === "SUCCESS" || node.state === "FAILED" || node.message).length;
  return signOf({
    status: summary.value?.status,
    isOffline: connection.value.state === "offline",
    isLoaded: (project.value?.problems.length ?? 0) === 0,
    runs: runs.value,
    ended,
    total: summary.value?.totalAssets ?? 0,
    failed: nodes.some((node) => node.state === "FAILED"),
  });
});

/** Keep them as the task stands. */
export function showStateInTab(): void {
  const icon = document.querySelector<HTMLLinkElement>("link[rel=icon]")!;
  effect(() => {
    document.title = titleOf(sign.value, summary.value?.taskId ?? "", project.value?.projectName ?? "dagscope");
  });
  let drawn = "";
  effect(() => {
    const svg = svgOf(sign.value);
    if (svg === drawn) return;
    drawn = svg;
    icon.href = `data:image/svg+xml,${encodeURIComponent(svg)}`;
  });
}
