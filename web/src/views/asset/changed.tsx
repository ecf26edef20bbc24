/** What differs from an execution before, as a word and an icon. */
import { Icon } from "../../parts/icon";
import type { PlanChange } from "./shapes";

const IS_WORSE: ReadonlySet<PlanChange> = new Set(["slower", "more rows"]);
const IS_BETTER: ReadonlySet<PlanChange> = new Set(["faster", "fewer rows"]);

/** Whether there is something to compare with, and it differs. */
export const isOther = (change: PlanChange | undefined): change is Exclude<PlanChange, "same"> => change !== undefined && change !== "same";

export function Changed({ change }: { change: PlanChange | undefined }) {
  if (!isOther(change)) return null;
  return (
    <>
      {" "}
      <span class={change === "slower" ? "chip warn" : "chip"}>
        {IS_WORSE.has(change) && <Icon name="ascending" />}
        {IS_BETTER.has(change) && <Icon name="descending" />}
        {change}
      </span>
    </>
  );
}
