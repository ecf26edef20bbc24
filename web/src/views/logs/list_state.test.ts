import { signal } from "@preact/signals";
import { expect, test } from "vitest";
import { ListState } from "./list_state";
import type { LogSource, Numbers } from "./log_source";

test("lines that were there from the start are never called new, wherever the list is scrolled to", () => {
  const numbers = signal<Numbers | null>(null);
  const state = new ListState({ numbers } as unknown as LogSource);
  state.element = { scrollTop: 0, clientHeight: 240, scrollHeight: 240 } as HTMLElement;
  state.viewport.value = 240;
  state.scrolled(); // other filters: the list is emptied, and so scrolled to its top
  numbers.value = { matching: 100_000, total: 100_000 } as Numbers;
  state.seen.value ??= state.rows.peek();
  expect(state.unseen.value).toBe(0);
  numbers.value = { matching: 100_003, total: 100_003 } as Numbers;
  expect(state.unseen.value).toBe(3);
});
