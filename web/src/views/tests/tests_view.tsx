/** The Tests view. */
import "./tests.css";

export function TestsView() {
  return <main class="view" id="main" />;
}
