/** An asset on a page of its own. */
import { place } from "../../router";
import { AssetPanel } from "./asset_panel";

export function AssetPage() {
  return (
    <main class="view solo" id="main">
      <AssetPanel name={place.value.name} />
    </main>
  );
}
