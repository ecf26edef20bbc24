/** How a state looks: always a word, an icon and a colour together. */
import { Icon } from "./icon";

export type Look = "success" | "failed" | "running" | "testing" | "skipped" | "waiting" | "warn";

export const LOOKS = ["failed", "running", "testing", "waiting", "skipped", "success"] as const satisfies Look[];

export const WORDS: Record<Look, string> = {
  success: "Done",
  failed: "Failed",
  running: "Running",
  testing: "Testing",
  skipped: "Skipped",
  waiting: "Waiting",
  warn: "Not known",
};

/** The look of a node: an `INITIAL` one with a message will not run in its task. */
export function lookOf(state: string, message = ""): Look {
  switch (state) {
    case "SUCCESS":
      return "success";
    case "FAILED":
      return "failed";
    case "IN_PROGRESS":
    case "PENDING":
      return "running";
    case "TESTING":
      return "testing";
    case "INITIAL":
      return message ? "skipped" : "waiting";
    default:
      return "warn";
  }
}

/** A state as its word, icon and colour. */
export function State({ look, word = WORDS[look] }: { look: Look; word?: string }) {
  return (
    <span class={`st st-${look}`}>
      <Icon name={look} spin={look === "running"} />
      {word}
    </span>
  );
}
