/**
 * dagscope's page. Where things are:
 *
 * - `router.ts`: the URL, which holds every state; `store.ts`: what is known, as signals; `live/`: the stream.
 * - `api.ts`: the server's shapes and how to ask it; `run.ts`: what the page asks the server to do.
 * - `keys.ts`: keys; `parts/`: icons, states, formats; `grid/`: the data grid.
 * - `shell/`: what is around every view; `views/`: one folder a view, its code fetched when it is first shown.
 *
 * Nothing from the user's data becomes HTML: text goes into text nodes only.
 */
import { render } from "preact";
import "./styles/tokens.css";
import "./styles/base.css";
import "./styles/controls.css";
import "./styles/shell.css";
import "./styles/tables.css";
import "./styles/sql.css";
import "./styles/floating.css";
import { followLinks } from "./router";
import { App } from "./shell/app";
import { takeCode } from "./session";
import { start } from "./store";

document.addEventListener("click", followLinks);
void takeCode().then(start);
render(<App />, document.querySelector("#page")!);
