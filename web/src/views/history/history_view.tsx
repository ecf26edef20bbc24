/** The History view. */
import "./history.css";

export function HistoryView() {
  return <main class="view" id="main" />;
}
