/** What differs between two tasks: GET /api/compare, in the order and in the words of the view. */
import type { NodeState, TaskStatus } from "../../api";
import { count } from "../../parts/format";
import { type Look, lookOf } from "../../parts/look";

export interface ComparedTask {
  readonly taskId: string;
  readonly attempt: number;
  readonly status: TaskStatus;
  readonly startTime?: number;
  readonly endTime?: number;
}

export interface CodeDifference {
  readonly diff: string;
  readonly added: number;
  readonly removed: number;
}

interface ValueDifference {
  readonly name: string;
  readonly from?: string;
  readonly to?: string;
}

interface NamedColumn {
  readonly name: string;
  readonly type: string;
}

interface ColumnDifference {
  readonly added: readonly NamedColumn[];
  readonly removed: readonly NamedColumn[];
  readonly retyped: readonly { readonly name: string; readonly from: string; readonly to: string }[];
}

export interface RowsCompared {
  readonly from?: number;
  readonly to?: number;
  readonly same?: boolean;
  readonly difference?: { readonly added: number; readonly removed: number; readonly changed?: number; readonly key?: readonly string[] };
  readonly note?: string;
}

interface TestOutcome {
  readonly status: string;
  readonly rowCount?: number;
}

export interface TestDifference {
  readonly testName: string;
  readonly from?: TestOutcome;
  readonly to?: TestOutcome;
  readonly sql?: CodeDifference;
}

export interface AssetDifference {
  readonly assetName: string;
  readonly fromState?: NodeState;
  readonly toState?: NodeState;
  readonly message: string;
  readonly sql?: CodeDifference;
  readonly compiledSql?: CodeDifference;
  readonly columns?: ColumnDifference;
  readonly rows: RowsCompared;
  readonly tests: readonly TestDifference[];
  readonly upstreams: readonly string[];
  readonly parameters: readonly ValueDifference[];
  readonly engine?: ValueDifference;
  readonly settings: readonly ValueDifference[];
  readonly durationMs: { readonly from?: number; readonly to?: number; readonly isUnusual: boolean; readonly least?: number; readonly most?: number };
}

export interface Cause {
  readonly kind: string;
  readonly assetName?: string;
  readonly testName?: string;
  readonly sentence: string;
  readonly evidence: readonly string[];
}

export interface RedNode {
  readonly assetName?: string;
  readonly testNames: readonly string[];
  readonly message: string;
  readonly sentence: string;
  readonly causes: readonly Cause[];
}

export interface Comparison {
  readonly from: ComparedTask;
  readonly to: ComparedTask;
  readonly red: readonly RedNode[];
  readonly assets: readonly AssetDifference[];
  readonly rootTests: readonly TestDifference[];
}

/** The red nodes that are red for the same reasons. */
export interface RedGroup {
  readonly sentence: string;
  readonly causes: readonly Cause[];
  readonly nodes: readonly RedNode[];
}

/** Red nodes by their causes, in the order of the first of each group. */
export function redGroups(red: readonly RedNode[]): RedGroup[] {
  const groups = new Map<string, RedNode[]>();
  for (const node of red) {
    const key = JSON.stringify([node.sentence, node.causes.map((cause) => cause.sentence)]);
    groups.set(key, [...(groups.get(key) ?? []), node]);
  }
  return [...groups.values()].map((nodes) => ({ sentence: nodes[0]!.sentence, causes: nodes[0]!.causes, nodes }));
}

/** What differs of an asset and of its tests, each in a few words; nothing if it is as before. */
export const differencesOf = (asset: AssetDifference): string[] => [...ownDifferences(asset), ...testsThatDiffer(asset).map(testWords)];

/** The tests that ended otherwise, or differ; not those that did not run because their asset was skipped. */
export const testsThatDiffer = ({ tests, toState }: AssetDifference): readonly TestDifference[] => (toState === "SUCCESS" || toState === "FAILED" ? tests : []);

/** What differs of an asset without its tests, as `dagscope compare` has it. */
export function ownDifferences(asset: AssetDifference): string[] {
  if (asset.fromState === undefined) return ["new"];
  if (asset.toState === undefined) return ["not in the later task"];
  const said: string[] = [];
  if (asset.sql) said.push(`SQL ${signed(asset.sql)}`);
  if (asset.compiledSql) said.push(`compiled SQL ${signed(asset.compiledSql)}`);
  if (asset.columns) said.push(...columnWords(asset.columns));
  said.push(...rowWords(asset.rows));
  const values = [...asset.parameters, ...asset.settings, ...(asset.engine ? [asset.engine] : [])];
  said.push(...values.map((value) => `${value.name} ${value.from ?? "unset"} → ${value.to ?? "unset"}`));
  const { isUnusual, to, least, most } = asset.durationMs;
  if (isUnusual) said.push(`${count(to!)} ms, usually ${count(least!)} to ${count(most!)}`);
  return said;
}

export const signed = ({ added, removed }: CodeDifference): string => `+${added} −${removed}`;

function columnWords({ added, removed, retyped }: ColumnDifference): string[] {
  const names = (columns: readonly NamedColumn[]): string => columns.map(({ name }) => name).join(", ");
  return [
    ...(added.length > 0 ? [`columns added: ${names(added)}`] : []),
    ...(removed.length > 0 ? [`columns removed: ${names(removed)}`] : []),
    ...retyped.map(({ name, from, to }) => `${name} ${from} → ${to}`),
  ];
}

function rowWords({ from, to, same, difference }: RowsCompared): string[] {
  const counts = (["added", "removed", "changed"] as const).flatMap((key) => (difference?.[key] ? [`${count(difference[key])} ${key}`] : []));
  if (counts.length > 0) return [`rows ${counts.join(", ")}`];
  if (from !== undefined && to !== undefined && from !== to) return [`${count(from)} → ${count(to)} rows`];
  return same === false ? ["other rows"] : [];
}

export function testWords({ testName, from, to, sql }: TestDifference): string {
  const outcome = (of: TestOutcome | undefined): string => {
    if (!of) return "not run";
    const word = of.status === "SUCCESS" ? "passed" : of.status === "FAILED" ? "failed" : of.status.toLowerCase();
    return of.rowCount ? `${word} (${count(of.rowCount)})` : word;
  };
  const [before, after] = [outcome(from), outcome(to)];
  const changed = sql ? `, its SQL ${signed(sql)}` : "";
  return before === after ? `${testName} ${after}${changed}` : `${testName} ${before} → ${after}${changed}`;
}

/** How an asset looks in the later task. */
export const lookNow = (asset: AssetDifference): Look => lookOf(asset.toState ?? "", asset.message);

/** Whether it counts as changed; that it was skipped, or ended otherwise, is no change of its own. */
export const isChanged = (asset: AssetDifference): boolean => differencesOf(asset).length > 0;

/** Assets as the list has them: changed ones first, of these the red ones, then those that ended otherwise. */
export function inOrder(assets: readonly AssetDifference[]): AssetDifference[] {
  const rank = (asset: AssetDifference): number => {
    if (isChanged(asset)) return asset.toState === "FAILED" ? 0 : 1;
    return asset.toState === "FAILED" ? 2 : asset.fromState === asset.toState ? 4 : 3;
  };
  const ranked = assets.map((asset) => ({ asset, rank: rank(asset) }));
  return ranked.sort((one, other) => one.rank - other.rank).map(({ asset }) => asset);
}

/** A line of a diff, with its numbers in the old and in the new text. */
export interface DiffLine {
  readonly kind: "hunk" | "same" | "add" | "del";
  readonly old?: number;
  readonly new?: number;
  readonly text: string;
}

/** The lines of a unified diff. */
export function diffLines(diff: string): DiffLine[] {
  let old = 0;
  let next = 0;
  return diff.split("\n").map((line): DiffLine => {
    const head = /^@@ -(\d+)(?:,\d+)? \+(\d+)(?:,\d+)? @@/.exec(line);
    if (head) {
      [old, next] = [Number(head[1]), Number(head[2])];
      return { kind: "hunk", text: `line ${next}` };
    }
    const text = line.slice(1);
    if (line.startsWith("+")) return { kind: "add", new: next++, text };
    if (line.startsWith("-")) return { kind: "del", old: old++, text };
    return { kind: "same", old: old++, new: next++, text };
  });
}
