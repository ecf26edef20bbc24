/** What differs from an execution before, as a word and an icon. */
import { Icon } from "../../parts/icon";
import type { PlanChange } from "./shapes";

const IS_WORSE: ReadonlySet<PlanChange> = new Set(["slower", "more rows"]);
const IS_BETTER: ReadonlySet<PlanChange> = new Set(["faster", "fewer rows"]);

export function Changed({ change }: { change: PlanChange | undefined }) {
  if (change === undefined || change === "same") return null;
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
