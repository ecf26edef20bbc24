/** What a component asks for with a POST while it is shown: the server may take long, and then says so every ten seconds. */
import { useEffect, useState } from "preact/hooks";
import { post, whyFailed } from "../api";

interface Posted<T> {
  /** `undefined` until the answer is there. */
  readonly value: T | undefined;
  readonly error: string;
}

interface Answer<T> extends Posted<T> {
  readonly key: string;
}

/** POST to an endpoint, again when `version` changes, and as long as the answer is not what `isAnswer` accepts; "" asks for nothing. */
export function usePosted<T>(path: string, body: object, version: unknown, isAnswer: (value: T) => boolean): Posted<T> {
  const key = `${path} ${JSON.stringify(body)} ${String(version)}`;
  const [answer, take] = useState<Answer<T>>({ key: "", value: undefined, error: "" });
  useEffect(() => {
    if (!path) return;
    const aborting = new AbortController();
    const ask = async (): Promise<void> => {
      let value: T | null;
      do value = await post<T>(path, body, aborting.signal);
      while (value && !isAnswer(value));
      if (value) take({ key, value, error: "" });
    };
    ask().catch((error: unknown) => !aborting.signal.aborted && take({ key, value: undefined, error: whyFailed(error) }));
    return () => aborting.abort();
  }, [key]);
  return answer.key === key ? answer : { value: undefined, error: "" };
}
