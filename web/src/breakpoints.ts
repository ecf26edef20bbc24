/** Where the runs of this page are to hold; kept in this browser, by project. */
import { computed, effect, signal } from "@preact/signals";
import type { BreakpointRequest } from "./api";
import { assets, project } from "./store";

const KEY = "dagscope.breakpoints";
const DEFAULT_WHEN = "after";
export const WHENS = ["after", "before", "failed", "rows < 1"];
const VALID = /^(after|before|failed|rows\s*(<=|>=|!=|<|>|=)\s*\d{1,18})$/;

/** Whether the server takes it as the `when` of a breakpoint. */
export const isWhen = (text: string): boolean => VALID.test(text.trim());

/** By project and asset: when to hold there. */
type Kept = Readonly<Record<string, Readonly<Record<string, string>>>>;

function keptOf(text: string | null): Kept {
  try {
    const value: unknown = JSON.parse(text ?? "{}");
    return typeof value === "object" && value !== null ? (value as Kept) : {};
  } catch {
    return {};
  }
}

const kept = signal(keptOf(localStorage.getItem(KEY)));
effect(() => localStorage.setItem(KEY, JSON.stringify(kept.value)));

const ofProject = computed(() => new Map(Object.entries(kept.value[project.value?.projectName ?? ""] ?? {})));

/** When runs hold at an asset; undefined if they do not. */
export const breakpointOf = (asset: string): string | undefined => ofProject.value.get(asset);

/** The breakpoints at assets that there are. */
export const breakpoints = (): BreakpointRequest[] =>
  [...ofProject.peek()].filter(([asset]) => assets.peek().has(asset)).map(([asset, when]) => ({ asset, when }));

/** Set a breakpoint, or remove it with undefined. */
export function setBreakpoint(asset: string, when: string | undefined): void {
  const others = [...ofProject.peek()].filter(([name]) => name !== asset);
  const now = when === undefined ? others : [...others, [asset, when] as const];
  kept.value = { ...kept.peek(), [project.peek()?.projectName ?? ""]: Object.fromEntries(now) };
}

/** False on a read-only server: nothing runs there. */
export function toggleBreakpoint(asset: string): void | false {
  if (project.peek()?.readOnly) return false;
  setBreakpoint(asset, breakpointOf(asset) === undefined ? DEFAULT_WHEN : undefined);
}
