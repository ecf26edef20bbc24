/** How all assets look now: kept up to date by what changed, so that a change costs the same in a large graph. */
import { effect, signal, untracked } from "@preact/signals";
import { counted } from "../../parts/format";
import { LOOKS, type Look } from "../../parts/look";
import { stageOf } from "../../parts/names";
import { assets, changedNodes, nodesVersion, task, taskId, viewOf, waitingWord } from "../../store";

/** A look, or that the task in view has no node of the asset. */
type Mark = Look | "absent";
export type Counts = Readonly<Record<Mark, number>>;

const none = (): Record<Mark, number> => ({ success: 0, failed: 0, running: 0, testing: 0, skipped: 0, waiting: 0, warn: 0, absent: 0 });

const looks = new Map<string, Mark>();
let inAll = none();
let inStages = new Map<string, Record<Mark, number>>();
/** The assets whose look changed last; read it when `looksVersion` changes. */
export let changedLooks: ReadonlySet<string> = new Set();
/** Grows with every change of a look. */
export const looksVersion = signal(0);

/** The look with which it is drawn: what is not in the task, as if it waited. */
export function lookNow(asset: string): Look {
  const mark = looks.get(asset);
  return !mark || mark === "absent" ? "waiting" : mark;
}

/** The word for it. */
export function wordNow(name: string): string {
  const asset = assets.value.get(name);
  return asset ? viewOf(asset).word : "";
}

/** Whether a filter on these looks leaves an asset out; an empty one leaves out nothing. */
export function isHidden(asset: string, shown: ReadonlySet<Look>): boolean {
  if (shown.size === 0) return false;
  const mark = looks.get(asset);
  return !mark || mark === "absent" || !shown.has(mark);
}

/** How many assets have each look. Reads `looksVersion`. */
export function counts(): Counts {
  void looksVersion.value;
  return inAll;
}

/** The same, of one stage. */
export function countsOfStage(stage: string): Counts {
  void looksVersion.value;
  return inStages.get(stage) ?? none();
}

/** How many assets are counted. */
export const sizeOf = (of: Counts): number => Object.values(of).reduce((sum, count) => sum + count, 0);

/** Counts in words, those that need attention first: "1 failed · 2 skipped · 5 done". */
export function inWords(of: Counts): string {
  const words: Partial<Record<Look, string>> = { success: "done", waiting: waitingWord.value.toLowerCase() };
  const parts = LOOKS.filter((look) => of[look] > 0).map((look) => `${of[look]} ${words[look] ?? look}`);
  if (of.absent > 0) parts.push(task.value ? `${of.absent} not in task` : counted(of.absent, "asset"));
  return parts.join(" · ");
}

/** Follow the store while the view is shown. Returns what ends it. */
export function followLooks(): () => void {
  let shown: readonly unknown[] = [];
  return effect(() => {
    void nodesVersion.value;
    const now = [assets.value, task.value, taskId.value];
    const isOther = now.some((one, index) => one !== shown[index]);
    shown = now;
    untracked(() => (isOther ? takeAll() : take(changedNodes)));
  });
}

function takeAll(): void {
  looks.clear();
  inAll = none();
  inStages = new Map();
  take(assets.value.keys());
}

function take(names: Iterable<string>): void {
  const changed = new Set<string>();
  for (const name of names) {
    const asset = assets.value.get(name);
    if (!asset) continue;
    const view = viewOf(asset);
    const [before, mark] = [looks.get(name), view.isInTask ? view.look : ("absent" as const)];
    if (before === mark) continue;
    looks.set(name, mark);
    let inStage = inStages.get(stageOf(name));
    if (!inStage) inStages.set(stageOf(name), (inStage = none()));
    for (const kept of [inAll, inStage]) {
      kept[mark] += 1;
      if (before) kept[before] -= 1;
    }
    changed.add(name);
  }
  if (changed.size === 0) return;
  changedLooks = changed;
  looksVersion.value += 1;
}
