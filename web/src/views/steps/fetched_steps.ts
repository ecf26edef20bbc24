/** The steps of a query, which the server counts as long as they are shown. */
import { post, type QuerySteps, whyFailed } from "../../api";
import { useEffect, useState } from "preact/hooks";

interface Steps {
  /** `undefined` until the first answer is there. */
  readonly value: QuerySteps | undefined;
  readonly error: string;
}

interface Answer extends Steps {
  readonly key: string;
}

/** POST to an endpoint of steps, again when `version` changes; the server may ask to be asked again. */
export function useSteps(path: string, body: object, version: unknown): Steps {
  const key = `${path} ${JSON.stringify(body)} ${String(version)}`;
  const [answer, take] = useState<Answer>({ key: "", value: undefined, error: "" });
  useEffect(() => {
    const aborting = new AbortController();
    const ask = async (): Promise<void> => {
      let value: QuerySteps | null;
      do value = await post<QuerySteps>(path, body, aborting.signal);
      while (value && !value.steps);
      if (value) take({ key, value, error: "" });
    };
    ask().catch((error: unknown) => !aborting.signal.aborted && take({ key, value: undefined, error: whyFailed(error) }));
    return () => aborting.abort();
  }, [key]);
  return answer.key === key ? answer : { value: undefined, error: "" };
}
