/** The keys that work in every view. */
import { useKeys } from "../keys";
import { go, link, taskPath } from "../router";
import { taskId } from "../store";
import { closeDialog, dialog, openHelp, openPalette } from "./dialogs";
import { stepTask } from "./task_bar";

export function useGlobalKeys(): void {
  useKeys({
    "Ctrl k": openPalette,
    "?": openHelp,
    "/": openPalette,
    "g d": () => go(link("/")),
    "g t": () => go(link("/tests")),
    "g l": () => go(link("/logs")),
    "g h": () => go(link("/history")),
    "g c": () => go(link("/compare")),
    w: () => go(link("/compare")),
    "g r": () => go(taskId.value ? taskPath(taskId.value) : link("/history")),
    "[": () => stepTask(-1),
    "]": () => stepTask(1),
    Escape: () => (dialog.value ? closeDialog() : false),
  });
}
