/** The steps of a query, which the server counts as long as they are shown. */
import type { QuerySteps } from "../../api";
import { usePosted } from "../../parts/posted";

/** POST to an endpoint of steps, again when `version` changes. */
export const useSteps = (path: string, body: object, version: unknown): ReturnType<typeof usePosted<QuerySteps>> =>
  usePosted<QuerySteps>(path, body, version, (value) => Boolean(value.steps));
