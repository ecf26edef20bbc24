/** The help: the keys of every view. */
import { Fragment } from "preact";
import { Icon } from "../parts/icon";
import { project } from "../store";
import { closeDialog } from "./dialogs";
import { Modal } from "./modal";
import { askForNotifications, canAskForNotifications } from "./notifications";

type Keys = readonly (readonly [keys: string, what: string])[];

const EVERYWHERE: Keys = [
  ["Ctrl K", "find or run anything"],
  ["/", "search"],
  ["?", "these keys"],
  ["g d", "DAG"],
  ["g r", "the task"],
  ["g t", "tests"],
  ["g l", "logs"],
  ["g h", "history"],
  ["g c", "compare"],
  ["w", "why is it red now"],
  ["[", "earlier task"],
  ["]", "later task"],
  ["Esc", "close"],
];
const OF_VIEWS: readonly (readonly [view: string, keys: Keys])[] = [
  [
    "DAG",
    [
      ["← ↑ → ↓", "along the edges"],
      ["Enter", "open"],
      ["r", "run"],
      ["Shift R", "run with downstreams"],
      ["b", "breakpoint"],
      ["f", "fit"],
    ],
  ],
  [
    "Task, tests, history",
    [
      ["↑ ↓", "choose a row"],
      ["Enter", "open"],
      ["f", "failed only"],
      ["Space", "in the history: mark two to compare"],
    ],
  ],
  [
    "Compare",
    [
      ["n", "next change"],
      ["Esc", "all assets"],
    ],
  ],
  [
    "Logs",
    [
      ["e", "next error"],
      ["f", "errors only"],
      ["End", "follow"],
      ["Enter", "all fields"],
    ],
  ],
  [
    "Data",
    [
      ["← ↑ → ↓", "from cell to cell"],
      ["Ctrl Home", "first cell"],
      ["Ctrl End", "last cell"],
      ["g", "go to a row"],
      ["Enter", "the whole cell"],
      ["t", "where the row comes from"],
      ["Ctrl C", "copy as TSV"],
    ],
  ],
];

export function Help() {
  return (
    <Modal class="help" label="Keys">
      <header>
        <h1 class="grow">Keys</h1>
        <button type="button" class="btn quiet icon" aria-label="Close" autofocus onClick={closeDialog}>
          <Icon name="close" />
        </button>
      </header>
      <div class="keys">
        <KeyList title="Everywhere" keys={EVERYWHERE} />
        <div class="keys-of-views">
          {OF_VIEWS.map(([view, keys]) => (
            <KeyList key={view} title={view} keys={keys} />
          ))}
        </div>
      </div>
      <footer class="sm muted">
        <span>dagscope {project.value?.version}</span>
        <span class="grow" />
        <a href="/api" target="_blank" rel="noopener">
          The API
        </a>
        {canAskForNotifications.value && (
          <button type="button" class="btn" onClick={askForNotifications}>
            Notify me when long tasks end
          </button>
        )}
      </footer>
    </Modal>
  );
}

function KeyList({ title, keys }: { title: string; keys: Keys }) {
  return (
    <section>
      <h2>{title}</h2>
      <dl class="kv">
        {keys.map(([key, what]) => (
          <Fragment key={key}>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{what}</dd>
          </Fragment>
        ))}
      </dl>
    </section>
  );
}
