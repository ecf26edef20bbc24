/** The server's clock, and a tick for what runs: it stops while the page does not know whether it still runs. */
import { effect, signal } from "@preact/signals";
import { connection } from "./live";

const TICK_MS = 100;

let aheadMs = 0;

/** Note the server's time in an answer. It was then between asking and arriving: the clock is set only if it was not. */
export function noteServerTime(timeMs: number, askedAtMs: number): void {
  aheadMs = Math.min(Math.max(aheadMs, timeMs - Date.now()), timeMs - askedAtMs);
}

/** The server's time now, in epoch ms. */
export const serverNow = (): number => Date.now() + aheadMs;

/** The server's time, ten times a second while the page is live and shown; it stands still while offline. */
export const tick = signal(serverNow());

effect(() => {
  if (connection.value.state !== "live") return;
  const timer = setInterval(() => {
    if (!document.hidden) tick.value = serverNow();
  }, TICK_MS);
  return () => clearInterval(timer);
});
