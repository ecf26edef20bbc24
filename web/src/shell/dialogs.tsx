/** The dialogs that any view can open; one at a time. */
import { effect, signal } from "@preact/signals";
import { held } from "../keys";
import { lazy } from "../parts/lazy";

export type DialogName = "palette" | "help" | "run";

export const dialog = signal<DialogName | null>(null);

effect(() => {
  held.value = dialog.value !== null;
});

/** What the run dialog starts with, in place of what it was left with. */
export const runSelect = signal<string | null>(null);

export const openPalette = (): void => void (dialog.value = "palette");
export const openHelp = (): void => void (dialog.value = "help");
export const closeDialog = (): void => void (dialog.value = null);

/** Open the form for a run; with a selector, for the assets that it names. */
export function openRun(select: string | null = null): void {
  runSelect.value = select;
  dialog.value = "run";
}

const DIALOGS = {
  palette: lazy(async () => (await import("./palette")).Palette),
  help: lazy(async () => (await import("./help")).Help),
  run: lazy(async () => (await import("./run_dialog")).RunDialog),
};

/** Fetch their code while nothing else is to be done: the palette also opens when the server is away. */
export function fetchDialogs(): void {
  const fetched = [import("./palette"), import("./help"), import("./run_dialog")];
  Promise.all(fetched).catch(() => {}); // fetched again when one is opened
}

export function Dialogs() {
  const name = dialog.value;
  if (!name) return null;
  const Shown = DIALOGS[name];
  return <Shown key={name} />;
}
