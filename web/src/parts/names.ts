/** The full names of assets and data tests: `stage.name`. */

/** The stage of a name, or "". */
export const stageOf = (name: string): string => name.slice(0, Math.max(0, name.indexOf(".")));

/** The part of a name after its stage. */
export const withoutStage = (name: string): string => name.slice(name.indexOf(".") + 1);
