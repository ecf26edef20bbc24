/** All fields of the selected line, beside the list: the arrows still walk while it is open. */
import { Fragment } from "preact";
import { useKeys } from "../../keys";
import { copied, NOT_COPIED } from "../../parts/clipboard";
import { Icon } from "../../parts/icon";
import { assetPath, here, link, place } from "../../router";
import { Level } from "./line_list";
import type { ListState } from "./list_state";
import { jsonOf, lineText, type LogLine, ownFields, valueText } from "./log_line";

/** `say` reports what was copied. */
export function LineDetails({ state, say }: { state: ListState; say: (text: string) => void }) {
  const line = state.line;
  const close = (): void => {
    state.isOpen.value = false;
    state.element?.focus();
  };
  useKeys({ Escape: () => (state.isOpen.peek() ? close() : false) });
  if (!state.isOpen.value || !line) return null;
  const copy = async (text: string, what: string): Promise<void> =>
    say((await copied(text)) ? `Copied ${what}` : NOT_COPIED);
  return (
    <section class="dialog linedlg" aria-label="All fields of the line">
      <header>
        <Level level={line.level} role="presentation" />
        <time class="mono faint" dateTime={line.time}>
          {line.time}
        </time>
        <span class="grow" />
        <button type="button" class="btn quiet icon" aria-label="Close" onClick={close}>
          <Icon name="close" />
        </button>
      </header>
      <AllFields line={line} />
      <footer>
        <button type="button" class="btn" onClick={() => copy(lineText(line), "the line as text")}>
          <Icon name="copy" />
          Text
        </button>
        <button type="button" class="btn" onClick={() => copy(jsonOf(line), "the line as JSON")}>
          <Icon name="copy" />
          JSON
        </button>
        <button type="button" class="btn" onClick={() => copy(addressOf(state, line), "the link to the line")}>
          <Icon name="copy" />
          Link
        </button>
      </footer>
    </section>
  );
}

/** The line's own address: it names the task, so that it stays right when a newer one runs. */
function addressOf(state: ListState, line: LogLine): string {
  const to = { at: line.position, task: state.source.filters.task };
  return window.location.origin + (place.value.view === "logs" ? here(to) : link("/logs", { asset: line.asset, ...to }));
}

function AllFields({ line }: { line: LogLine }) {
  return (
    <div class="linefields" tabIndex={0} role="group" aria-label="Fields">
      <p class="linemessage">{line.message}</p>
      <dl class="kv">
        {line.asset && (
          <>
            <dt>asset</dt>
            <dd>
              <a href={link(assetPath(line.asset))}>{line.asset}</a>
            </dd>
          </>
        )}
        {line.test && (
          <>
            <dt>test</dt>
            <dd>
              <a href={link("/tests", { test: line.test })}>{line.test}</a>
            </dd>
          </>
        )}
        {line.connection && (
          <>
            <dt>connection</dt>
            <dd>{line.connection}</dd>
          </>
        )}
        {ownFields(line, true).map(([key, value]) => (
          <Fragment key={key}>
            <dt>{key}</dt>
            <dd class="mono">{valueText(value)}</dd>
          </Fragment>
        ))}
        <dt>position</dt>
        <dd class="mono">{line.position}</dd>
      </dl>
    </div>
  );
}
