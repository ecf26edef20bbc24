/** What passes between the one stream of events and the tabs that show it. */

/** A message of GET /api/events. */
export interface StreamMessage {
  readonly event: string;
  readonly id: string;
  readonly data: string;
}

/** How the stream stands. Times are the browser's own clock, in epoch ms. */
export type Connection =
  | { readonly state: "connecting" }
  | { readonly state: "live" }
  | { readonly state: "offline"; readonly since: number; readonly nextTry: number };

/** From the stream to a tab. */
export type ToTab =
  | { readonly kind: "connection"; readonly connection: Connection }
  | { readonly kind: "messages"; readonly messages: readonly StreamMessage[] };

/** From a tab to the stream. */
export type FromTab = { readonly kind: "try now" } | { readonly kind: "bye" };
