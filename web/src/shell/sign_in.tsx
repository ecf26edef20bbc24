/** Asks for the API token where the server needs one and there is no session. */
import { useState } from "preact/hooks";
import { tryNow } from "../live/live";
import { signIn } from "../session";
import { refresh } from "../store";

export function SignIn() {
  const [fault, report] = useState("");
  const submit = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    const form = event.currentTarget as HTMLFormElement;
    const refused = await signIn(String(new FormData(form).get("token") ?? ""));
    report(refused);
    if (refused) return;
    tryNow();
    await refresh();
  };
  return (
    <main class="view" id="main">
      <form class="page" onSubmit={submit}>
        <div class="emptystate">
          <h1>This server needs its API token</h1>
          <p class="muted">
            Open the address that <code>dagscope serve</code> printed when it started, or enter the token here. It is kept in
            a cookie that scripts cannot read.
          </p>
          <label class="row">
            Token <input class="input grow" type="password" name="token" autocomplete="current-password" required />
          </label>
          {fault && (
            <p class="st-failed" role="alert">
              {fault}
            </p>
          )}
          <p>
            <button type="submit" class="btn primary">
              Open
            </button>
          </p>
        </div>
      </form>
    </main>
  );
}
