/** What stands above every view: offline, a project that cannot be loaded, what was refused. */
import { Icon } from "../parts/icon";
import { refusal } from "../run";

export function Notices() {
  return <Refusal />;
}

function Refusal() {
  if (!refusal.value) return null;
  return (
    <div class="banner">
      <div class="alert row" role="alert">
        <Icon name="failed" />
        <span class="grow">{refusal.value}</span>
        <button type="button" class="btn quiet icon" aria-label="Close" onClick={() => (refusal.value = "")}>
          <Icon name="close" />
        </button>
      </div>
    </div>
  );
}
