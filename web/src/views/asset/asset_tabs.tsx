/** The tabs of an asset. */
import type { ComponentChildren } from "preact";
import type { Asset } from "../../api";
import { Icon } from "../../parts/icon";
import { TabPanel, Tabs } from "../../parts/tabs";
import { param, setQuery } from "../../router";
import type { AssetView } from "../../store";
import { ColumnsTab } from "./columns_tab";
import { DataTab } from "./data_tab";
import { HistoryTab } from "./history_tab";
import { LogsTab } from "./logs_tab";
import { SqlTab } from "./sql_tab";
import { StatementsTab } from "./statements_tab";
import { StepsTab } from "./steps_tab";
import { TestsTab } from "./tests_tab";
import { TraceTab } from "./trace_tab";

const NAMES = ["sql", "steps", "columns", "data", "tests", "statements", "history", "logs", "trace"] as const;
type Name = (typeof NAMES)[number];

export interface OfAsset {
  readonly asset: Asset;
  readonly view: AssetView;
}

const CONTENTS: Record<Name, (props: OfAsset) => ComponentChildren> = {
  sql: SqlTab,
  steps: StepsTab,
  columns: ColumnsTab,
  data: DataTab,
  tests: TestsTab,
  statements: StatementsTab,
  history: HistoryTab,
  logs: LogsTab,
  trace: TraceTab,
};

/** The tab that the address names. */
export const shownTab = (): Name => NAMES.find((name) => name === param("tab")) ?? "sql";

export function AssetTabs({ asset, view }: OfAsset) {
  const chosen = shownTab();
  const titles: Record<Name, ComponentChildren> = {
    sql: asset.materialization === "raw" ? "Python" : "SQL",
    steps: "Steps",
    columns: "Columns",
    data: "Data",
    tests: (
      <>
        Tests
        {view.failedTests > 0 && (
          <span class="badge failed">
            <Icon name="failed" />
            {view.failedTests}
            <span class="vh"> failed</span>
          </span>
        )}
      </>
    ),
    statements: "Statements",
    history: "History",
    logs: "Logs",
    trace: "Trace",
  };
  const names = NAMES.filter((name) => name !== "trace" || chosen === "trace" || param("row") !== ""); // of a row that was chosen
  const Content = CONTENTS[chosen];
  return (
    <div class="oftabs">
      <Tabs
        id="asset"
        label={`About ${asset.name}`}
        tabs={names.map((name) => ({ name, title: titles[name] }))}
        chosen={chosen}
        choose={(name) => setQuery({ tab: name === "sql" ? null : name, statement: null, plans: null, step: null })}
      />
      <TabPanel id="asset" chosen={chosen}>
        <Content asset={asset} view={view} />
      </TabPanel>
    </div>
  );
}
