/** Where a list of log lines is scrolled to, which line is selected, and whether the list follows its end. */
import { computed, signal } from "@preact/signals";
import type { Page } from "./log_filters";
import type { LogLine } from "./log_line";
import type { LogSource } from "./log_source";
import { rowWindow, scrollFor } from "./row_window";

export interface Selected {
  readonly index: number;
  readonly position: number;
}

export class ListState {
  readonly scrollTop = signal(0);
  readonly viewport = signal(0);
  readonly selected = signal<Selected | null>(null);
  /** Whether the line of the address is one of the task's, but hidden by filters. */
  readonly hidesLine = signal(false);
  /** Whether all fields of the selected line are shown. */
  readonly isOpen = signal(false);
  readonly follows = signal(false);
  /** How many lines there were when the end was last in sight; null before any were shown. */
  readonly seen = signal<number | null>(null);
  readonly rows = computed(() => this.source.numbers.value?.matching ?? 0);
  readonly window = computed(() => rowWindow(this.rows.value, this.scrollTop.value, this.viewport.value));
  /** The number of lines below the list that came since it let go of its end. */
  readonly unseen = computed(() => {
    const { top, fitting } = this.window.value;
    const seen = Math.max(this.seen.value ?? Infinity, top + fitting);
    return this.follows.value ? 0 : Math.max(0, this.rows.value - seen);
  });
  element: HTMLElement | null = null;

  constructor(readonly source: LogSource) {}

  /** The selected line, once it was fetched. */
  get line(): LogLine | undefined {
    const selected = this.selected.value;
    return selected ? this.source.line(selected.index) : undefined;
  }

  /** The list was scrolled, by whomever: up lets go of the end, down to the end follows it. */
  scrolled(): void {
    const { element } = this;
    if (!element) return;
    const before = this.scrollTop.peek();
    if (!this.source.numbers.peek()) return; // an empty list that waits for its lines has its end in sight, but has shown none
    this.scrollTop.value = element.scrollTop;
    const isAtEnd = element.scrollTop + element.clientHeight >= element.scrollHeight - 2;
    if (isAtEnd) {
      this.seen.value = this.rows.peek();
      if (element.scrollTop > before) this.follows.value = true;
    } else if (element.scrollTop < before - 1) this.letGo();
  }

  letGo(): void {
    if (this.follows.peek()) this.seen.value = this.rows.peek();
    this.follows.value = false;
  }

  follow(): void {
    this.follows.value = true;
    this.toEnd();
  }

  /** Show the last line. */
  toEnd(): void {
    this.scrollTo(this.window.peek().height);
    this.seen.value = this.rows.peek();
  }

  /** Select a line that was fetched, and bring it into sight. */
  select(index: number, centred = false): void {
    const line = this.source.line(index);
    if (line) this.selectAt({ index, position: line.position }, centred);
  }

  /** Select a line whose number is known. */
  selectAt(selected: Selected, centred = false): void {
    this.selected.value = selected;
    const isLast = selected.index >= this.rows.peek() - 1;
    if (!isLast) this.letGo();
    const top = scrollFor(selected.index, this.rows.peek(), this.scrollTop.peek(), this.viewport.peek(), centred);
    if (top !== this.scrollTop.peek()) this.scrollTo(top);
  }

  /** Move the selection, or select what is at the top of the list. */
  move(by: number): void {
    const from = this.selected.peek()?.index;
    const to = from === undefined ? this.window.peek().top : from + by;
    this.select(Math.min(Math.max(0, to), this.rows.peek() - 1));
  }

  /** Where to look for the next error (1) or the one before (-1): from the selected line, or from the first in sight. */
  errorsFrom(by: 1 | -1): Page {
    const selected = this.selected.peek();
    const top = this.source.line(this.window.peek().top)?.position ?? 0;
    if (by < 0) return { before: selected?.position ?? top };
    return { after: selected?.position ?? Math.max(0, top - 1) };
  }

  private scrollTo(top: number): void {
    const { element } = this;
    if (!element) return;
    element.scrollTop = top;
    this.scrollTop.value = element.scrollTop;
  }
}
