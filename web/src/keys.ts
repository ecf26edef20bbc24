/** Keys: each view and dialog registers its own while it is shown; the newest comes first. */
import { signal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";

/** What a key does. Return `false` to leave the key to others. */
export type Action = (event: KeyboardEvent) => void | false;

/** By key as `KeyboardEvent.key` names it, with "Ctrl ", "Shift " or "g " (after g) in front: "f", "Shift R", "Ctrl k", "g d". */
export type Keymap = Readonly<Record<string, Action>>;

/** True while a dialog is open: keys are the dialog's then, and none of them does something in the view behind it. */
export const held = signal(false);

const shown: { current: Keymap }[] = [];
const CHORD_MS = 1_500;
let chordUntil = 0;

/** Register keys while a component is mounted. */
export function useKeys(keys: Keymap): void {
  const kept = useRef(keys);
  kept.current = keys;
  useEffect(() => {
    shown.push(kept);
    return () => void shown.splice(shown.indexOf(kept), 1);
  }, []);
}

/** The name of a key event in a keymap. */
export function nameOf(event: KeyboardEvent): string {
  const control = event.ctrlKey || event.metaKey ? "Ctrl " : "";
  const shift = event.shiftKey && (event.key.length > 1 || /[a-z]/i.test(event.key)) ? "Shift " : "";
  return control + shift + event.key;
}

function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));
}

function act(name: string, event: KeyboardEvent): boolean {
  for (const keys of shown.toReversed()) {
    const action = keys.current[name];
    if (action && action(event) !== false) {
      event.preventDefault();
      return true;
    }
  }
  return false;
}

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.altKey || event.isComposing) return;
  const name = nameOf(event);
  // While someone types, only Escape and what is held with Ctrl is a command.
  if (isTyping(event.target) && !name.startsWith("Ctrl ") && name !== "Escape") return;
  if (held.value && !name.startsWith("Ctrl ") && name !== "Escape") return;
  if (Date.now() < chordUntil && act(`g ${event.key}`, event)) {
    chordUntil = 0;
    return;
  }
  chordUntil = 0;
  if (act(name, event)) return;
  if (name === "g") chordUntil = Date.now() + CHORD_MS;
});
