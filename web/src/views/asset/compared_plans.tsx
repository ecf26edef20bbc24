/** What a comparison with the last fast run says of an asset, and the button that asks for it. */
import { useFetched } from "../../parts/fetched";
import { counted, duration } from "../../parts/format";
import { api, asking } from "../../api";
import { here, link, param, setQuery, taskPath } from "../../router";
import type { ComparedStatement, Plans, Statements } from "./shapes";

const PARAMETER = "plans";
const COMPARED = "compared";

const isAsked = (): boolean => param(PARAMETER) === COMPARED;

/** The plans of these statements beside those of the last fast run, if the address asks for them. */
export function usePlans(name: string, sent: Statements | null | undefined, version: string) {
  const address = isAsked() && sent ? asking(api`/api/dag/asset/${name}/plans`, { taskId: sent.taskId, attempt: sent.attempt }) : "";
  return useFetched<Plans>(address, version);
}

export function ComparePlans({ plans, error }: { plans: Plans | null | undefined; error: string }) {
  return (
    <div class="block sm fastrun" role="status">
      <button type="button" class="btn small" aria-pressed={isAsked()} onClick={() => setQuery({ [PARAMETER]: isAsked() ? null : COMPARED })}>
        Compare with the last fast run
      </button>
      {error && <p class="muted">{error}</p>}
      {plans && <Compared plans={plans} />}
    </div>
  );
}

function Compared({ plans }: { plans: Plans }) {
  const { now, before, message } = plans;
  const worst = plans.statements.filter((statement) => statement.lostMost).sort((one, other) => lostMs(other) - lostMs(one))[0];
  const gone = plans.statements.filter((statement) => statement.number === undefined).length;
  return (
    <>
      {before && (
        <p>
          <b class="strong">{plans.change === "same" ? "As fast" : plans.change === "slower" ? "Slower" : "Faster"}</b>
          {`: ${duration(now.durationMs)} instead of ${duration(before.durationMs)} in `}
          <a href={link(taskPath(before.taskId))}>{before.taskId}</a>
          {gone > 0 && `, which sent ${counted(gone, "other statement")}`}
        </p>
      )}
      {message && <p class="muted">{message}</p>}
      {worst && (
        <p>
          <a href={here({ statement: worst.number ?? null })}>Statement {worst.number}</a>: {worst.lostMost}
        </p>
      )}
    </>
  );
}

const lostMs = (statement: ComparedStatement): number => (statement.durationMs ?? 0) - (statement.durationMsBefore ?? 0);
