/** The Task view. */
import "./task.css";

export function TaskView() {
  return <main class="view" id="main" />;
}
