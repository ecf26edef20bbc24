/** What a component fetches while it is shown. */
import { useEffect, useRef, useState } from "preact/hooks";
import { get, whyFailed } from "../api";

const AGAIN_MS = 300;

export interface Fetched<T> {
  /** `undefined` until the first answer is there, `null` if there is nothing (204). */
  readonly value: T | null | undefined;
  /** Why it could not be fetched, or "". */
  readonly error: string;
}

interface Answer<T> extends Fetched<T> {
  readonly address: string;
}

/**
 * GET an address; "" fetches nothing. When `version` changes it is fetched again, at most every 300 ms, and the last
 * answer stays meanwhile. `read` is how: `get`, or `getExact`.
 */
export function useFetched<T>(address: string, version: unknown = null, read: typeof get = get): Fetched<T> {
  const [answer, take] = useState<Answer<T>>({ address: "", value: undefined, error: "" });
  const aborting = useRef<AbortController>(undefined);
  const waiting = useRef<ReturnType<typeof setTimeout>>(undefined);
  const shown = useRef({ address: "", version });

  const ask = (): void => {
    waiting.current = undefined;
    aborting.current?.abort();
    const aborted = new AbortController();
    aborting.current = aborted;
    read<T>(address, {}, aborted.signal).then(
      (value) => !aborted.signal.aborted && take({ address, value, error: "" }),
      (error: unknown) => !aborted.signal.aborted && take({ address, value: undefined, error: whyFailed(error) }),
    );
  };
  useEffect(() => {
    const last = shown.current;
    shown.current = { address, version };
    if (!address) return;
    if (last.address !== address) {
      clearTimeout(waiting.current);
      ask();
    } else if (last.version !== version) waiting.current ??= setTimeout(ask, AGAIN_MS);
  }, [address, version]);
  useEffect(
    () => () => {
      clearTimeout(waiting.current);
      aborting.current?.abort();
    },
    [],
  );
  return answer.address === address ? answer : { value: undefined, error: "" };
}
