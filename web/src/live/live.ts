/** This tab's end of the stream: the connection's state, and messages handed on once per animation frame. */
import { signal } from "@preact/signals";
import type { Connection, FromTab, StreamMessage, ToTab } from "./messages";
import { LiveStream } from "./stream";

export const connection = signal<Connection>({ state: "connecting" });

let tryAgain: () => void = () => {};

/** Ask the stream to connect now. */
export const tryNow = (): void => tryAgain();

/** Begin to listen. `apply` gets all messages since the last frame, in order. */
export function listen(apply: (messages: readonly StreamMessage[]) => void): void {
  const take = perFrame(apply);
  const hear = (message: ToTab): void => {
    if (message.kind === "connection") connection.value = message.connection;
    else take(message.messages);
  };
  if ("SharedWorker" in window) listenToWorker(hear);
  else {
    const stream = new LiveStream({
      connection: (value) => hear({ kind: "connection", connection: value }),
      messages: (messages) => hear({ kind: "messages", messages }),
    });
    tryAgain = () => stream.tryNow();
  }
}

function listenToWorker(hear: (message: ToTab) => void): void {
  const worker = new SharedWorker(new URL("./worker.ts", import.meta.url), { type: "module", name: "dagscope" });
  const say = (message: FromTab): void => worker.port.postMessage(message);
  worker.port.onmessage = ({ data }: MessageEvent<ToTab>) => hear(data);
  tryAgain = () => say({ kind: "try now" });
  window.addEventListener("pagehide", (event) => {
    if (!event.persisted) say({ kind: "bye" });
  });
}

function perFrame(apply: (messages: readonly StreamMessage[]) => void): (messages: readonly StreamMessage[]) => void {
  let waiting: StreamMessage[] = [];
  const flush = (): void => {
    const messages = waiting;
    waiting = [];
    apply(messages);
  };
  return (messages) => {
    if (waiting.length === 0) {
      // A hidden tab gets no animation frames, and must not pile up messages.
      if (document.hidden) setTimeout(flush, 250);
      else requestAnimationFrame(flush);
    }
    waiting.push(...messages);
  };
}
