import { expect, test } from "vitest";
import { parametersOf } from "./parameters";

test("each parameter is found once, with its default and the first asset that reads it", () => {
  const found = parametersOf([
    { name: "dds.a", sqlSelectQuery: `SELECT {{ param("through", '2013-12-31') }}, {{ param( 'top' , 20) }} FROM x` },
    { name: "mart.b", sqlSelectQuery: `{% if param("top", 10) > 1.5 %}{{ param("needed") }}{{ param("off", False) }}{% endif %}` },
    { name: "mart.c", sqlSelectQuery: `{{ param("needed", none) }} {{ unparam("x") }} {{ param(name) }}` },
  ]);
  expect(found).toEqual([
    { name: "through", fallback: '"2013-12-31"', asset: "dds.a" },
    { name: "top", fallback: "20", asset: "dds.a" },
    { name: "needed", fallback: "null", asset: "mart.b" },
    { name: "off", fallback: "false", asset: "mart.b" },
  ]);
});
