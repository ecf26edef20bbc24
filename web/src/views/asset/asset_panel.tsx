/** An asset beside the graph. */
import "./asset.css";

export function AssetPanel({ name }: { name: string }) {
  return <aside class="panel" aria-label={name} />;
}
