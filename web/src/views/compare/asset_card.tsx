/** What changed of one asset: its SQL first, then each other thing in a line. */
import type { ComponentChildren } from "preact";
import { Fragment } from "preact";
import { count, counted } from "../../parts/format";
import { type Look, lookOf, State } from "../../parts/look";
import { assetPath, here, link } from "../../router";
import { type AssetDifference, type ComparedTask, type TestDifference, lookNow, ownDifferences, signed, testsThatDiffer, testWords } from "./comparison";
import { Diff } from "./diff";

interface Props {
  readonly asset: AssetDifference;
  readonly task: ComparedTask;
  /** True if it is the only one that is shown. */
  readonly isAlone?: boolean;
}

export function AssetCard({ asset, task, isAlone = false }: Props) {
  const name = asset.assetName;
  return (
    <section class="card assetcard" aria-label={`What changed of ${name}`}>
      <header>
        <States asset={asset} />
        {isAlone ? (
          <h1 class="cut">{name}</h1>
        ) : (
          <a class="strong cut" href={here({ asset: name })} title={`${name}: what changed, with its rows`}>
            {name}
          </a>
        )}
        <span class="muted sm cut grow">{ownDifferences(asset).join(", ") || (testsThatDiffer(asset).length === 0 && "As before")}</span>
        {isAlone && (
          <a class="btn quiet" href={link(assetPath(name), { task: task.taskId })}>
            Open the asset
          </a>
        )}
      </header>
      <Facts asset={asset} isAlone={isAlone} />
      {asset.sql && <Diff diff={asset.sql.diff} label={`How the code of ${name} changed`} />}
      {asset.compiledSql && (
        <>
          <p class="block xs muted">Its file is the same; the SQL that was executed is not:</p>
          <Diff diff={asset.compiledSql.diff} label={`How the executed SQL of ${name} changed`} />
        </>
      )}
      {asset.tests.map(
        (test) =>
          test.sql && (
            <Fragment key={test.testName}>
              <p class="block xs muted">
                {test.testName}, {signed(test.sql)}:
              </p>
              <Diff diff={test.sql.diff} label={`How ${test.testName} changed`} />
            </Fragment>
          ),
      )}
    </section>
  );
}

/** How it ended in the later task. */
export const StateNow = ({ asset }: { asset: AssetDifference }) => <State look={lookNow(asset)} {...(asset.toState ? {} : { word: "Gone" })} />;

/** How it ended, and how before if that was otherwise. */
function States({ asset }: { asset: AssetDifference }) {
  const now = <StateNow asset={asset} />;
  if (asset.fromState === undefined || asset.fromState === asset.toState) return now;
  const before: Look = lookOf(asset.fromState);
  return (
    <span class="row states">
      <State look={before} />
      <span class="faint">→</span>
      {now}
    </span>
  );
}

function Facts({ asset, isAlone }: { asset: AssetDifference; isAlone: boolean }) {
  const facts = [...factsOf(asset, isAlone)];
  if (facts.length === 0) return null;
  return (
    <dl class="kv block">
      {facts.map(([what, value]) => (
        <Fragment key={what}>
          <dt>{what}</dt>
          <dd>{value}</dd>
        </Fragment>
      ))}
    </dl>
  );
}

type Fact = readonly [what: string, value: ComponentChildren];

function* factsOf(asset: AssetDifference, isAlone: boolean): Iterable<Fact> {
  const { columns, rows, upstreams, engine, durationMs } = asset;
  for (const { name, type } of columns?.added ?? []) yield [`Column ${name}`, `added, ${type}`];
  for (const { name, type } of columns?.removed ?? []) yield [`Column ${name}`, `removed, was ${type}`];
  for (const { name, from, to } of columns?.retyped ?? []) yield [`Column ${name}`, `${from} → ${to}`];
  const said = rowsSaid(asset, isAlone);
  if (said && (isAlone || rows.same === false || rows.from !== rows.to)) yield ["Rows", said];
  for (const test of testsThatDiffer(asset)) yield ["Test", <TestLink test={test} />];
  if (upstreams.length > 0) yield ["Read other rows of", <Upstreams names={upstreams} />];
  for (const { name, from, to } of asset.parameters) yield [`Parameter ${name}`, `${from ?? "unset"} → ${to ?? "unset"}`];
  for (const { name, from, to } of asset.settings) yield [`Setting ${name}`, `${from ?? "unset"} → ${to ?? "unset"}`];
  if (engine) yield ["Engine", `${engine.from ?? "unknown"} → ${engine.to ?? "unknown"}`];
  if (durationMs.isUnusual) yield ["Duration", `${count(durationMs.to!)} ms; the last ten tasks took ${count(durationMs.least!)} to ${count(durationMs.most!)} ms`];
  if (isAlone && asset.message) yield ["Message", asset.message];
}

function rowsSaid({ rows: { from, to, same, difference, note } }: AssetDifference, isAlone: boolean): string {
  const counts = from === undefined || to === undefined ? "" : from === to ? counted(to, "row") : `${counted(from, "row")} → ${count(to)}`;
  const by = difference?.key ? ` by ${difference.key.join(", ")}` : "";
  const parts = (["changed", "removed", "added"] as const).flatMap((kind) => (difference?.[kind] ? [`${count(difference[kind])} ${kind}`] : []));
  const what = parts.length > 0 ? `${parts.join(", ")}${by}` : same ? "the same rows" : same === false && from === to ? "others" : "";
  return [counts, what, isAlone ? note : ""].filter(Boolean).join("; ");
}

/** A test, and how it ended in both tasks. */
export const TestLink = ({ test }: { test: TestDifference }) => <a href={link("/tests", { test: test.testName })}>{testWords(test)}</a>;

function Upstreams({ names }: { names: readonly string[] }) {
  return (
    <>
      {names.map((name, place) => (
        <Fragment key={name}>
          {place > 0 && ", "}
          <a href={here({ asset: name })}>{name}</a>
        </Fragment>
      ))}
    </>
  );
}
