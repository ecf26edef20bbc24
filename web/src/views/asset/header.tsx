/** The name of an asset, how it stands, and what it is. */
import type { Asset } from "../../api";
import { Icon } from "../../parts/icon";
import { State } from "../../parts/look";
import { MarkdownText } from "../../parts/markdown_text";
import { assetPath, here, link, param } from "../../router";
import type { AssetView } from "../../store";

export function Header({ asset, view, whole }: { asset: Asset; view: AssetView; whole: boolean }) {
  return (
    <header>
      <div class="row">
        <h1 class="grow cut">
          {whole ? (
            asset.name
          ) : (
            <a class="title" href={link(assetPath(asset.name), { tab: param("tab") })} title={`${asset.name}: open as a page`}>
              {asset.name}
            </a>
          )}
        </h1>
        <State look={view.look} word={view.word} />
        {whole ? (
          <a class="btn quiet" href={link("/", { asset: asset.name })}>
            In the DAG
          </a>
        ) : (
          <a class="btn quiet icon" href={here({ asset: null, tab: null, sql: null, statement: null, row: null, column: null })} title="Close, Esc" aria-label="Close">
            <Icon name="close" />
          </a>
        )}
      </div>
      {asset.description && (
        <div class="sm muted description">
          <MarkdownText text={asset.description} />
        </div>
      )}
    </header>
  );
}
