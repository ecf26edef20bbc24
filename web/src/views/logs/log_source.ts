/** The lines that filters show, fetched in pages as they come into sight, and pulled while the task runs. */
import { signal } from "@preact/signals";
import { ApiError, whyFailed } from "../../api";
import { type Counts, type Filters, type Page, pageUrl } from "./log_filters";
import { type LogLine, parseExact } from "./log_line";

const PAGE_LINES = 200;
const PAGES_KEPT = 60;

/** How many lines there are. */
export interface Numbers {
  /** By level, of the lines that match all filters but the levels. */
  readonly counts: Counts;
  /** That are shown. */
  readonly matching: number;
  /** Of the task. */
  readonly total: number;
}

interface PageAnswer extends Numbers {
  readonly logs: readonly LogLine[];
  readonly offset: number;
}

/** A line and its number among those that are shown. */
export interface Located {
  readonly line: LogLine;
  readonly index: number;
}

export class LogSource {
  /** Null until the first answer. */
  readonly numbers = signal<Numbers | null>(null);
  /** Why lines cannot be shown, or "". */
  readonly error = signal("");
  /** Grows with every page that arrives. */
  readonly version = signal(0);
  private readonly pages = new Map<number, readonly LogLine[]>();
  private readonly asked = new Map<number, AbortController>();
  private readonly closing = new AbortController();
  private asks = 0;
  private newestAnswer = 0;
  private pulled = -1;

  constructor(readonly filters: Filters) {}

  /** A line by its number among those that are shown; undefined until it was fetched. Whoever asks follows the fetching. */
  line(index: number): LogLine | undefined {
    void this.version.value;
    return this.pages.get(Math.floor(index / PAGE_LINES))?.[index % PAGE_LINES];
  }

  /** Fetch what is missing of these lines; pages that are no longer wanted are given up. */
  want(first: number, last: number): void {
    const from = Math.floor(first / PAGE_LINES);
    const to = Math.floor(last / PAGE_LINES);
    for (const [page, controller] of this.asked) {
      if ((page >= from && page <= to) || page === this.pulled) continue;
      controller.abort();
      this.asked.delete(page);
    }
    for (let page = from; page <= to; page += 1) if (!this.isComplete(page)) void this.fetchPage(page);
  }

  /** Fetch the last page again, with whatever was logged since. */
  async pull(): Promise<void> {
    const { matching } = this.numbers.peek() ?? { matching: 0 };
    this.pulled = Math.floor(Math.max(0, matching - 1) / PAGE_LINES);
    await this.fetchPage(this.pulled);
    this.pulled = -1;
  }

  /** The line at a position; null if the filters hide it or it is gone. */
  async locate(position: number, filters = this.filters): Promise<Located | null> {
    const found = await this.first(filters, { after: position - 1 });
    return found?.line.position === position ? found : null;
  }

  /** The first line after a position, or the last one before it, that is an error and is shown. */
  async firstError(page: Page): Promise<Located | null> {
    const { levels } = this.filters;
    const wanted = new Set((["error", "critical"] as const).filter((level) => !levels || levels.has(level)));
    const found = wanted.size ? await this.first({ ...this.filters, levels: wanted }, page) : null;
    return found && (await this.locate(found.line.position));
  }

  /** Give up all that is being fetched. */
  close(): void {
    this.closing.abort();
    for (const controller of this.asked.values()) controller.abort();
  }

  private async first(filters: Filters, page: Page): Promise<Located | null> {
    const answer = await this.ask(filters, { ...page, limit: 1 }, this.closing.signal);
    const line = answer.logs[0];
    return line ? { line, index: answer.offset } : null;
  }

  private isComplete(page: number): boolean {
    const numbers = this.numbers.peek();
    const lines = this.pages.get(page)?.length ?? 0;
    return lines === PAGE_LINES || (numbers !== null && lines >= numbers.matching - page * PAGE_LINES);
  }

  private async fetchPage(page: number): Promise<void> {
    if (this.asked.has(page) || this.closing.signal.aborted) return;
    const controller = new AbortController();
    this.asked.set(page, controller);
    const number = (this.asks += 1);
    try {
      const answer = await this.ask(this.filters, { offset: page * PAGE_LINES, limit: PAGE_LINES }, controller.signal);
      this.take(page, answer, number);
      this.error.value = "";
    } catch (error) {
      if (!controller.signal.aborted) this.error.value = whyFailed(error);
    } finally {
      if (this.asked.get(page) === controller) this.asked.delete(page);
    }
  }

  private take(page: number, answer: PageAnswer, number: number): void {
    const before = this.numbers.peek();
    if (number > this.newestAnswer) {
      this.newestAnswer = number;
      const { counts, matching, total } = answer;
      if (before && (total < before.total || matching < before.matching)) this.pages.clear(); // lines were deleted
      this.numbers.value = { counts, matching, total };
    }
    this.pages.delete(page);
    this.pages.set(page, answer.logs);
    const [oldest] = this.pages.keys();
    if (this.pages.size > PAGES_KEPT && oldest !== undefined) this.pages.delete(oldest);
    this.version.value += 1;
  }

  private async ask(filters: Filters, page: Page, signal: AbortSignal): Promise<PageAnswer> {
    const response = await fetch(pageUrl(filters, page), { signal });
    const text = await response.text();
    if (response.ok) return parseExact(text) as PageAnswer;
    const said = JSON.parse(text) as { error: string; details?: string };
    throw new ApiError(response.status, said.error, said.details);
  }
}
