/** An address that names no view. */
import { link, place } from "../router";

export function UnknownView() {
  return (
    <main class="view" id="main">
      <div class="page">
        <div class="emptystate">
          <h1>There is no such page</h1>
          <p class="muted">
            The address <code>{place.value.name}</code> names no view.
          </p>
          <p>
            <a href={link("/")}>Open the DAG</a>
          </p>
        </div>
      </div>
    </main>
  );
}
