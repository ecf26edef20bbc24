/**
 * The one EventSource: in a SharedWorker for all tabs, or in the tab itself where there is none.
 * It reconnects by itself, with growing pauses, and resumes after the last message that it received.
 */
import type { Connection, StreamMessage } from "./messages";

const EVENTS = ["snapshot", "task", "node", "test", "reset", "project"] as const;
const KINDS = "task,node,test";
const LONGEST_PAUSE_MS = 10_000;
const PULSE_MS = 10_000;
const PULSE_LIMIT_MS = 5_000;

export interface Listener {
  connection(connection: Connection): void;
  messages(messages: readonly StreamMessage[]): void;
}

export class LiveStream {
  connection: Connection = { state: "connecting" };
  private source: EventSource | null = null;
  private lastId = "";
  private failures = 0;
  private offlineSince = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private waiting: StreamMessage[] = [];

  constructor(private readonly listener: Listener) {
    this.open();
    setInterval(() => void this.pulse(), PULSE_MS);
  }

  /** Try to connect at once instead of at the next planned time. */
  tryNow(): void {
    if (this.connection.state === "live") return;
    clearTimeout(this.timer);
    this.open();
  }

  private open(): void {
    this.source?.close();
    const resume = this.lastId ? `&lastEventId=${this.lastId}` : "";
    const source = new EventSource(`/api/events?kinds=${KINDS}${resume}`);
    this.source = source;
    source.onopen = () => {
      this.failures = 0;
      this.offlineSince = 0;
      this.become({ state: "live" });
    };
    source.onerror = () => this.lost(source);
    for (const event of EVENTS) source.addEventListener(event, (message) => this.received(event, message));
  }

  private received(event: string, message: MessageEvent<string>): void {
    if (message.lastEventId) this.lastId = message.lastEventId;
    if (event === "reset") this.lastId = "";
    if (this.waiting.length === 0) setTimeout(() => this.deliver(), 16);
    this.waiting.push({ event, id: message.lastEventId, data: message.data });
  }

  private deliver(): void {
    const messages = this.waiting;
    this.waiting = [];
    this.listener.messages(messages);
  }

  private lost(source: EventSource): void {
    if (source !== this.source) return;
    source.close();
    this.source = null;
    clearTimeout(this.timer);
    this.failures += 1;
    this.offlineSince ||= Date.now();
    // Up to half as long again, so that many pages do not all return in the same moment.
    const pause = Math.min(LONGEST_PAUSE_MS, 500 * 2 ** (this.failures - 1)) * (1 + Math.random() / 2);
    this.timer = setTimeout(() => this.open(), pause);
    this.become({ state: "offline", since: this.offlineSince, nextTry: Date.now() + pause });
  }

  /** A connection that died in silence gives no error: ask for something small now and then. */
  private async pulse(): Promise<void> {
    const source = this.source;
    if (!source || this.connection.state !== "live") return;
    try {
      await fetch("/api/project", { signal: AbortSignal.timeout(PULSE_LIMIT_MS) });
    } catch {
      this.lost(source);
    }
  }

  private become(connection: Connection): void {
    this.connection = connection;
    this.listener.connection(connection);
  }
}
