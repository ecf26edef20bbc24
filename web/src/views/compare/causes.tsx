/** Why nodes are red, in one sentence for those that are red for the same reasons, the likeliest cause first. */
import { Fragment } from "preact";
import { capital, count, counted } from "../../parts/format";
import { Icon } from "../../parts/icon";
import { withoutStage } from "../../parts/names";
import { here, link } from "../../router";
import { type Cause, type Comparison, type RedGroup, type RedNode, redGroups } from "./comparison";

const GROUPS_SHOWN = 20;
const NODES_SHOWN = 6;

export function Causes({ compared }: { compared: Comparison }) {
  const groups = redGroups(compared.red);
  const more = groups.length - GROUPS_SHOWN;
  const { endTime, taskId } = compared.to;
  return (
    <section class="causes" aria-label="Why is it red?">
      {groups.length === 0 && <h1 class="big">{endTime === undefined ? `${taskId} still runs, and nothing is red so far` : `Nothing is red in ${taskId}`}</h1>}
      {groups.slice(0, GROUPS_SHOWN).map((group, index) => (
        <Group key={index} group={group} isFirst={index === 0} />
      ))}
      {more > 0 && <p class="muted">{counted(more, "more reason is", "more reasons are")} not listed here; the list has all red assets.</p>}
      {groups.length > 0 && endTime === undefined && <p class="muted">{taskId} still runs.</p>}
    </section>
  );
}

function Group({ group: { sentence, causes, nodes }, isFirst }: { group: RedGroup; isFirst: boolean }) {
  const [first, ...others] = causes;
  const Heading = isFirst ? "h1" : "h2";
  return (
    <div class="cause">
      <Heading class="big">{first ? <Sentence cause={first} /> : asSentence(sentence)}</Heading>
      {first && <Evidence cause={first} />}
      <p class="sm">
        <span class="st st-failed">
          <Icon name="failed" />
          Red{causes.length > 0 && " because of it"}
        </span>
        : {nodes.slice(0, NODES_SHOWN).map(named)}
        {nodes.length > NODES_SHOWN && ` and ${count(nodes.length - NODES_SHOWN)} more`}
      </p>
      {others.length > 0 && (
        <>
          <p class="sm muted">{others.length === 1 ? "Less likely, but changed too:" : "Less likely, but changed too, the likeliest first:"}</p>
          <ol class="others-of-cause">
            {others.map((cause) => (
              <li key={cause.sentence}>
                <Sentence cause={cause} />
                <Evidence cause={cause} />
              </li>
            ))}
          </ol>
        </>
      )}
    </div>
  );
}

/** The sentence of a cause: the asset in front leads to what changed of it. */
function Sentence({ cause: { assetName, sentence } }: { cause: Cause }) {
  if (!assetName || !sentence.startsWith(`${assetName}: `)) return <>{asSentence(sentence)}</>;
  return (
    <>
      <a href={here({ asset: assetName })}>{assetName}</a>
      {sentence.slice(assetName.length)}
    </>
  );
}

const Evidence = ({ cause }: { cause: Cause }) => (cause.evidence.length > 0 ? <p class="muted">{asSentence(cause.evidence.join("; "))}.</p> : null);

function named(node: RedNode, place: number) {
  const [test] = node.testNames;
  const to = node.assetName ? here({ asset: node.assetName }) : link("/tests", { test: test ?? null });
  const why = node.message.split("\n", 1)[0]!;
  return (
    <Fragment key={place}>
      {place > 0 && "; "}
      <a href={to}>{node.assetName ?? withoutStage(test ?? "")}</a>
      {why && <span class="muted">, {why}</span>}
    </Fragment>
  );
}

/** As a sentence, but names of assets stay as they are. */
const asSentence = (text: string): string => (/^[^ :]*\./.test(text) ? text : capital(text));
