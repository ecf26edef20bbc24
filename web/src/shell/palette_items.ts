/** What the palette offers: assets, data tests, tasks, and what can be done. */
import { reached } from "../graph";
import { type Look, lookOf, WORDS } from "../parts/look";
import { counted } from "../parts/format";
import { assetAddress, go, link, taskPath } from "../router";
import { cancelTask, retryTask, runAssets, runTest } from "../run";
import { assets, canRetry, canRun, runs, taskId, tasks, testResults, viewOf } from "../store";
import { openHelp, openRun } from "./dialogs";
import { best, isClose, type Match } from "./finding";
import { askForNotifications, canAskForNotifications } from "./notifications";
import { theme } from "./theme";

export interface Item extends Match {
  readonly id: string;
  readonly label: string;
  /** The state in front, if the thing has one. */
  readonly look?: Look;
  readonly word?: string;
  /** At the end of the line: a fact, or a key. */
  readonly hint?: string;
  readonly key?: string;
  /** Where it leads; or what it does. */
  readonly href?: string;
  readonly act?: () => void;
}

export interface Group {
  readonly title: string;
  readonly items: readonly Item[];
}

type Plain = Omit<Item, "rank" | "marks">;

const MOST_WORDS = 4; // each is looked for in all names

const label = (item: { readonly label: string }): string => item.label;

/** The groups for what is typed, best matches first in each. `tests` are the full names of all data tests. */
export function found(typed: string, tests: readonly string[]): readonly Group[] {
  const isEmpty = typed.trim() === "";
  const ofAssets = best(assetItems(), label, typed, isEmpty ? 4 : 6);
  const ofTests = isEmpty ? [] : best(testItems(tests), label, typed, 5);
  const ofTasks = best(taskItems(), label, typed, isEmpty ? 3 : 4);
  const ofSubjects = isEmpty ? [] : subjectItems(typed, tests);
  const actions = [...ofSubjects, ...best(actionItems(), label, typed, 6)];
  const groups: readonly Group[] = [
    { title: "Assets", items: ofAssets },
    { title: "Tests", items: ofTests },
    { title: "Tasks", items: ofTasks },
    { title: "Do", items: actions },
  ];
  const close = groups.map((group) => ({ ...group, items: group.items.filter(isClose) }));
  const shown = close.some((group) => group.items.length > 0) ? close : groups;
  return shown.filter((group) => group.items.length > 0);
}

/** What can be done to the asset and the data test that match best: for "weather", but also for "run weather downstreams". */
function subjectItems(typed: string, tests: readonly string[]): Item[] {
  const words = typed.trim().split(/\s+/).slice(0, MOST_WORDS);
  const bestOf = (items: readonly Plain[]): Plain[] =>
    words.flatMap((word) => best(items, label, word, 1)).filter(isClose).slice(0, 1);
  const ofAsset = bestOf(assetItems()).flatMap((item) => runItems(item.label));
  const ofTest = bestOf(testItems(tests)).flatMap(runTestItems);
  return best([...ofAsset, ...ofTest], label, typed, 4).filter(isClose);
}

const URGENT: readonly Look[] = ["failed", "running", "testing"];

function assetItems(): Plain[] {
  const items = [...assets.value.values()].map((asset): Plain => {
    const { look, word } = viewOf(asset);
    const href = assetAddress(asset.name, {}, { state: null });
    return { id: `asset ${asset.name}`, label: asset.name, look, word, hint: asset.materialization, href };
  });
  const urgency = (item: Plain): number => (URGENT.includes(item.look!) ? URGENT.indexOf(item.look!) : URGENT.length);
  return items.sort((one, other) => urgency(one) - urgency(other));
}

function testItems(tests: readonly string[]): Plain[] {
  return tests.map((name): Plain => {
    const result = testResults.value.get(name);
    const status = result?.status;
    const hint = result?.rowCount ? counted(result.rowCount, "row") : name.startsWith("root.") ? "whole project" : "";
    const look = status ? lookOf(status) : "waiting";
    const word = status === "SUCCESS" ? "Passed" : status ? WORDS[look] : "Not run";
    return { id: `test ${name}`, label: name, look, word, href: link("/tests", { test: name }), hint };
  });
}

function taskItems(): Plain[] {
  return tasks.value.map((task): Plain => {
    const look = lookOf(task.status);
    const hint = counted(task.totalAssets, "asset");
    return { id: `task ${task.taskId}`, label: task.taskId, look, word: WORDS[look], hint, href: taskPath(task.taskId) };
  });
}

function runItems(name: string): Plain[] {
  const asset = assets.value.get(name);
  if (!asset || !canRun.value) return [];
  const item = (what: string, select: string, key?: string): Plain => ({
    id: `run ${select}`,
    label: `Run ${name}${what}`,
    act: () => void runAssets({ select }),
    ...(key && { key }),
  });
  const items = [item("", name)];
  const below = reached(assets.value, name, "downstreams").size - 1;
  const above = reached(assets.value, name, "upstreams").size - 1;
  if (below) items.push(item(` and its ${counted(below, "downstream")}`, `${name}+`));
  if (above) items.push(item(` and its ${counted(above, "upstream")}`, `+${name}`));
  return items;
}

const runTestItems = (test: Plain): Plain[] =>
  canRun.value ? [{ id: `run ${test.id}`, label: `Run ${test.label}`, act: () => void runTest(test.label) }] : [];

function actionItems(): Plain[] {
  const items: Plain[] = [];
  const offer = (text: string, act: () => void, key?: string): void =>
    void items.push({ id: `do ${text}`, label: text, act, ...(key && { key }) });
  if (canRun.value) {
    offer(`Run all ${counted(assets.value.size, "asset")}`, () => void runAssets());
    offer("Run with data or a selection…", () => openRun());
    const id = taskId.value;
    if (runs.value) offer(`Cancel ${id}`, () => void cancelTask(id));
    else if (canRetry.value) offer(`Retry what did not succeed in ${id}`, () => void retryTask(id));
  }
  offer("Open the DAG", () => go(link("/")), "g d");
  if (taskId.value) offer("Open the task", () => go(taskPath(taskId.value)), "g r");
  offer("Open the tests", () => go(link("/tests")), "g t");
  offer("Open the logs", () => go(link("/logs")), "g l");
  offer("Open the history", () => go(link("/history")), "g h");
  if (taskId.value) offer(`Why is it red? Compare ${taskId.value} with the last green task`, () => go(link("/compare")), "w");
  if (theme.value !== "light") offer("Use the light theme", () => (theme.value = "light"));
  if (theme.value !== "dark") offer("Use the dark theme", () => (theme.value = "dark"));
  if (theme.value !== "system") offer("Use the system’s theme", () => (theme.value = "system"));
  if (canAskForNotifications.value) offer("Notify me when long tasks end", askForNotifications);
  offer("Show the keys", openHelp, "?");
  return items;
}
