/** The rows of a grid, fetched in pages when they come into sight, and kept while they are near. */
import { get } from "../api";
import type { GridRow, RowsAnswer } from "./source";

export const PAGE_ROWS = 200;
const KEPT_PAGES = 80;

export type Address = (offset: number, limit: number) => string;

export class RowPages {
  private readonly pages = new Map<number, readonly GridRow[]>();
  private readonly asked = new Map<number, AbortController>();
  head: RowsAnswer | null | undefined;
  error: unknown;

  constructor(
    private readonly address: Address,
    private readonly changed: (pages: RowPages) => void,
  ) {}

  row(index: number): GridRow | undefined {
    return this.pages.get(Math.floor(index / PAGE_ROWS))?.[index % PAGE_ROWS];
  }

  /** Fetch the rows in sight, and no longer those that were asked for and are out of sight again. */
  want(from: number, to: number): void {
    const first = Math.floor(from / PAGE_ROWS);
    const last = Math.floor(Math.max(from, to - 1) / PAGE_ROWS);
    for (const [page, asking] of this.asked) {
      if (this.head && (page < first || page > last)) {
        asking.abort();
        this.asked.delete(page);
      }
    }
    for (let page = first; page <= last; page++) if (!this.pages.has(page) && !this.asked.has(page)) void this.fetch(page);
  }

  /** Rows that may not be there yet. */
  async rows(from: number, to: number): Promise<readonly GridRow[]> {
    const answer = await get<RowsAnswer>(this.address(from, to - from));
    return answer?.rows ?? [];
  }

  close(): void {
    for (const asking of this.asked.values()) asking.abort();
    this.asked.clear();
  }

  private async fetch(page: number): Promise<void> {
    const asking = new AbortController();
    this.asked.set(page, asking);
    try {
      const answer = await get<RowsAnswer>(this.address(page * PAGE_ROWS, PAGE_ROWS), {}, asking.signal);
      if (asking.signal.aborted) return;
      this.head ??= answer;
      this.keep(page, answer?.rows ?? []);
    } catch (error) {
      if (asking.signal.aborted) return;
      this.error = error;
    }
    this.asked.delete(page);
    this.changed(this);
  }

  private keep(page: number, rows: readonly GridRow[]): void {
    this.pages.set(page, rows);
    if (this.pages.size > KEPT_PAGES) this.pages.delete(this.pages.keys().next().value!);
  }
}
