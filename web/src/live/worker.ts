/** The SharedWorker: one stream for all tabs, since a browser opens at most six connections to a host. */
import type { FromTab, ToTab } from "./messages";
import { LiveStream } from "./stream";

const tabs = new Set<MessagePort>();

function toAll(message: ToTab): void {
  for (const tab of tabs) tab.postMessage(message);
}

const stream = new LiveStream({
  connection: (connection) => toAll({ kind: "connection", connection }),
  messages: (messages) => toAll({ kind: "messages", messages }),
});

addEventListener("connect", (event) => {
  const tab = (event as MessageEvent).ports[0];
  if (!tab) return;
  tabs.add(tab);
  tab.onmessage = ({ data }: MessageEvent<FromTab>) => {
    if (data.kind === "bye") tabs.delete(tab);
    else stream.tryNow();
  };
  tab.postMessage({ kind: "connection", connection: stream.connection } satisfies ToTab);
});
