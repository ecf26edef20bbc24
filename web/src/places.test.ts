import { describe, expect, test } from "vitest";
import { placeOf, withQuery } from "./places";

describe("placeOf", () => {
  test("each view has its path", () => {
    const views = ["/", "/tests", "/logs", "/history", "/compare"].map((path) => placeOf(path).view);
    expect(views).toEqual(["dag", "tests", "logs", "history", "compare"]);
  });

  test("a task or an asset is named by the path, percent-encoded", () => {
    expect(placeOf("/tasks/monday%20%23%3F")).toMatchObject({ view: "task", name: "monday #?" });
    expect(placeOf("/assets/dds.world?tab=data")).toMatchObject({ view: "asset", name: "dds.world" });
    expect(placeOf("/assets/dds.world?tab=data").query.get("tab")).toBe("data");
  });

  test("a broken encoding is taken as it stands", () => {
    expect(placeOf("/tasks/50%")).toMatchObject({ view: "task", name: "50%" });
  });

  test("any other path is unknown", () => {
    expect(["/x", "/tasks", "/tasks/a/b"].map((path) => placeOf(path).view)).toEqual(["unknown", "unknown", "unknown"]);
  });
});

test("a change of the query keeps the rest, repeats lists and removes what is null or empty", () => {
  const query = new URLSearchParams("tab=data&sort=a");
  expect(withQuery("/assets/x", query, { filter: ["a:eq:1", "b:eq:&"], sort: null })).toBe(
    "/assets/x?tab=data&filter=a%3Aeq%3A1&filter=b%3Aeq%3A%26",
  );
  expect(withQuery("/", query, { tab: "", sort: undefined })).toBe("/");
});
