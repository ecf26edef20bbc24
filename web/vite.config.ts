import { defineConfig } from "vite";

/** The server (`dagscope serve`) that `npm run dev` takes the API from. */
const SERVER = process.env["DAGSCOPE_URL"] ?? "http://127.0.0.1:8080";

export default defineConfig({
  base: "/static/",
  esbuild: { jsx: "automatic", jsxImportSource: "preact" },
  build: {
    outDir: "../server/static",
    emptyOutDir: true,
    assetsDir: "",
    assetsInlineLimit: 0, // the page's Content-Security-Policy allows no data: scripts or styles
    modulePreload: { polyfill: false },
    target: "es2022",
  },
  server: { proxy: { "/api": SERVER } },
});
