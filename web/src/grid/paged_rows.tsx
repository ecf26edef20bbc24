/** The rows in pages, as a plain table: for screen readers, and for who finds a page easier than scrolling. */
import { useFetched } from "../parts/fetched";
import { count } from "../parts/format";
import { param, setQuery } from "../router";
import { isNumeric } from "./cells";
import { rowsAddress, type GridSource, type RowsAnswer, type Wanted } from "./source";
import { Value } from "./value";

const ROWS = 100;

export function PagedRows({ source, wanted, matching }: { source: GridSource; wanted: Wanted; matching: number }) {
  const pages = Math.max(1, Math.ceil(matching / ROWS));
  const page = Math.min(pages, Math.max(1, Number.parseInt(param("page"), 10) || 1));
  const from = (page - 1) * ROWS;
  const { value, error } = useFetched<RowsAnswer>(rowsAddress(source, wanted, from, ROWS), source.version);
  const to = from + (value?.rows.length ?? 0);
  return (
    <>
      <nav class="tools pagenav" aria-label="Pages">
        <PageButton to={1} page={page} pages={pages} word="First" />
        <PageButton to={page - 1} page={page} pages={pages} word="Previous" />
        <span class="muted" role="status">
          {error || `Rows ${count(Math.min(from + 1, matching))} to ${count(Math.max(to, from))} of ${count(matching)}; page ${count(page)} of ${count(pages)}`}
        </span>
        <PageButton to={page + 1} page={page} pages={pages} word="Next" />
        <PageButton to={pages} page={page} pages={pages} word="Last" />
      </nav>
      <div class="scroll rowsbox gridbox" tabIndex={0} role="region" aria-label={source.label}>
        <table class="table plainrows">
          <caption class="vh">{source.label}</caption>
          <thead>
            <tr>
              <th class="num" scope="col">
                #
              </th>
              {value?.columns.map((column) => (
                <th key={column.name} scope="col" class={isNumeric(column) ? "num" : ""}>
                  {column.name} <small class="faint">{column.type}</small>
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {value?.rows.map((row, index) => (
              <tr key={from + index}>
                <th class="num" scope="row">
                  {count(from + index + 1)}
                </th>
                {value.columns.map((column, place) => (
                  <td key={place} class={isNumeric(column) ? "num mono" : "mono"}>
                    <Value value={row[place]} />
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </>
  );
}

function PageButton({ to, page, pages, word }: { to: number; page: number; pages: number; word: string }) {
  const usable = to >= 1 && to <= pages && to !== page;
  return (
    <button type="button" class="btn small" aria-disabled={!usable || undefined} onClick={() => usable && setQuery({ page: to })}>
      {word}
    </button>
  );
}
