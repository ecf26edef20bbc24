/** The Logs view. */
import "./logs.css";

export function LogsView() {
  return <main class="view" id="main" />;
}
