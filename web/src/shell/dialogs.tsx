/** The dialogs that any view can open; one at a time. */
import { signal } from "@preact/signals";

export type DialogName = "palette" | "help" | "run";

export const dialog = signal<DialogName | null>(null);

export const openPalette = (): void => void (dialog.value = "palette");
export const openHelp = (): void => void (dialog.value = "help");
export const openRun = (): void => void (dialog.value = "run");
export const closeDialog = (): void => void (dialog.value = null);

export function Dialogs() {
  return null;
}
