/** The form for a run: its data, which assets, with or without tests. It keeps what was typed, in this tab. */
import { useSignal } from "@preact/signals";
import { useId } from "preact/hooks";
import { Icon } from "../parts/icon";
import { type Parameter, parametersOf } from "../parts/parameters";
import { newTaskId, tryToRun } from "../run";
import { assets, whyNoRun } from "../store";
import { closeDialog, runSelect } from "./dialogs";
import { Modal } from "./modal";
import { formOf, inMode, requestOf, type Row, type RunForm } from "./run_form";

const KEY = "dagscope.run";

type Change = (change: Partial<RunForm>) => void;

export function RunDialog() {
  const form = useSignal<RunForm>(started());
  const refused = useSignal("");
  const isSending = useSignal(false);
  const request = requestOf(form.value);
  const change: Change = (change) => {
    refused.value = "";
    form.value = { ...form.value, ...change };
    sessionStorage.setItem(KEY, JSON.stringify(form.value));
  };
  const send = async (): Promise<void> => {
    if ("error" in request || whyNoRun.value || isSending.value) return;
    isSending.value = true;
    refused.value = (await tryToRun(request.value)).replace(/^Invalid request format: (field 'select': )?/, (_, ofSelect) => (ofSelect ? "Assets: " : ""));
    isSending.value = false;
    if (!refused.value) closeDialog();
  };
  const wrong = "error" in request ? request.error : refused.value;
  const cannot = whyNoRun.value || ("error" in request ? request.error : "");
  return (
    <Modal class="run" label="Run">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void send();
        }}
      >
        <header>
          <h1 class="grow">Run</h1>
          <button type="button" class="btn quiet icon" aria-label="Close" onClick={closeDialog}>
            <Icon name="close" />
          </button>
        </header>
        <div class="fields">
          <Select form={form.value} change={change} />
          <Data form={form.value} change={change} />
          <Choices form={form.value} change={change} />
          <TaskName form={form.value} change={change} />
        </div>
        <footer>
          <span class="grow st st-failed wrong" role="alert">
            {wrong && (
              <>
                <Icon name="failed" />
                <span>{wrong}</span>
              </>
            )}
          </span>
          <button type="button" class="btn" onClick={closeDialog}>
            Cancel
          </button>
          <button type="submit" class="btn primary" aria-disabled={cannot || isSending.value ? true : undefined} title={cannot || undefined}>
            {form.value.select.trim() ? "Run the selection" : `Run all ${assets.value.size} assets`}
          </button>
        </footer>
      </form>
    </Modal>
  );
}

function started(): RunForm {
  const kept = formOf(sessionStorage.getItem(KEY));
  return { ...kept, taskId: newTaskId(), select: runSelect.peek() ?? kept.select };
}

function Select({ form, change }: { form: RunForm; change: Change }) {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>Assets</label>
      <input
        id={id}
        class="text mono"
        autofocus
        spellcheck={false}
        autocomplete="off"
        placeholder="all"
        value={form.select}
        aria-describedby={`${id}-hint`}
        onInput={(event) => change({ select: event.currentTarget.value })}
      />
      <p class="xs faint" id={`${id}-hint`}>
        <code>+mart.x</code> with upstreams, <code>dds.y+1</code> with direct downstreams, <code>stage:dds</code>, <code>state:failed</code>; a space
        adds, a comma narrows
      </p>
    </div>
  );
}

function Data({ form, change }: { form: RunForm; change: Change }) {
  const parameters = parametersOf(assets.value.values());
  const unread = "error" in requestOf(form);
  const mode = (name: RunForm["mode"], word: string) => (
    <button
      type="button"
      aria-pressed={form.mode === name}
      aria-disabled={form.mode !== name && unread ? true : undefined}
      title={form.mode !== name && unread ? "Not while the data cannot be read" : undefined}
      onClick={() => change(inMode(form, name))}
    >
      {word}
    </button>
  );
  return (
    <div class="field" role="group" aria-label="Data">
      <div class="row">
        <span class="grow">Data</span>
        <span class="seg small">
          {mode("rows", "Names and values")}
          {mode("json", "JSON")}
        </span>
      </div>
      {form.mode === "json" ? (
        <textarea
          class="text mono"
          rows={6}
          spellcheck={false}
          aria-label="Data as JSON"
          value={form.json}
          onInput={(event) => change({ json: event.currentTarget.value })}
        />
      ) : (
        <Rows rows={form.rows} parameters={parameters} change={change} />
      )}
      {form.mode === "rows" && parameters.length > 0 && <Known parameters={parameters} form={form} change={change} />}
    </div>
  );
}

function Rows({ rows, parameters, change }: { rows: readonly Row[]; parameters: readonly Parameter[]; change: Change }) {
  const names = useId();
  const set = (index: number, part: Partial<Row>): void => {
    const changed = rows.map((row, at) => (at === index ? { ...row, ...part } : row));
    const last = changed.at(-1);
    change({ rows: last && (last.key || last.value) ? [...changed, { key: "", value: "" }] : changed });
  };
  return (
    <div class="pairs">
      <datalist id={names}>
        {parameters.map(({ name }) => (
          <option key={name} value={name} />
        ))}
      </datalist>
      {rows.map((row, index) => {
        const fallback = parameters.find((one) => one.name === row.key.trim())?.fallback ?? "";
        return (
          <div key={index} class="pair">
            <input
              class="text mono"
              aria-label={`Name ${index + 1}`}
              placeholder="name"
              list={names}
              spellcheck={false}
              autocomplete="off"
              value={row.key}
              onInput={(event) => set(index, { key: event.currentTarget.value })}
            />
            <input
              class="text mono"
              aria-label={`Value ${index + 1}`}
              placeholder={fallback || "value"}
              spellcheck={false}
              autocomplete="off"
              value={row.value}
              onInput={(event) => set(index, { value: event.currentTarget.value })}
            />
            <button
              type="button"
              class="btn quiet icon"
              aria-label={`Delete row ${index + 1}`}
              onClick={() => change({ rows: rows.length > 1 ? rows.filter((_, at) => at !== index) : [{ key: "", value: "" }] })}
            >
              <Icon name="close" />
            </button>
          </div>
        );
      })}
    </div>
  );
}

/** The parameters of the project that have no row yet: a click gives them one. */
function Known({ parameters, form, change }: { parameters: readonly Parameter[]; form: RunForm; change: Change }) {
  const used = new Set(form.rows.map((row) => row.key.trim()));
  const left = parameters.filter(({ name }) => !used.has(name));
  if (left.length === 0) return null;
  const add = ({ name, fallback }: Parameter): void => {
    const typed = form.rows.filter((row) => row.key || row.value);
    change({ rows: [...typed, { key: name, value: fallback }, { key: "", value: "" }] });
  };
  return (
    <p class="known">
      <span class="xs faint">The SQL reads</span>
      {left.map((parameter) => (
        <button key={parameter.name} type="button" class="chip mono" title={`read by ${parameter.asset}`} onClick={() => add(parameter)}>
          {parameter.name}
          {parameter.fallback && <span class="faint">{parameter.fallback}</span>}
        </button>
      ))}
    </p>
  );
}

function TaskName({ form, change }: { form: RunForm; change: Change }) {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>Task name</label>
      <input
        id={id}
        class="text mono"
        spellcheck={false}
        autocomplete="off"
        value={form.taskId}
        onInput={(event) => change({ taskId: event.currentTarget.value })}
      />
    </div>
  );
}

function Choices({ form, change }: { form: RunForm; change: Change }) {
  return (
    <div class="row choices">
      <label>
        <input type="checkbox" checked={form.runTests} onChange={(event) => change({ runTests: event.currentTarget.checked })} /> Run data tests
      </label>
      <label>
        <input type="checkbox" checked={form.profile} onChange={(event) => change({ profile: event.currentTarget.checked })} /> Profile
        statements (DuckDB, Spark)
      </label>
    </div>
  );
}
