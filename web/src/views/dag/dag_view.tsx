/** The DAG view. */
import "./dag.css";

export function DagView() {
  return <main class="view" id="main" />;
}
