// What a page can try on another server, all at once: `page.evaluate` gives it the server, its endpoints, a body that
// every endpoint would take, and a server that redirects. Returns what it could read.
async ({ server, endpoints, body, redirector, limitMs }) => {
  const json = JSON.stringify(body);
  const read = [];

  // A refusal ends. What does not, such as a stream or a download in a frame, was let through.
  const endless = new Promise((resolve) => setTimeout(resolve, limitMs, { status: 0, text: "has no end" }));
  const attempt = (how, { method, path }, tried) =>
    Promise.race([tried, endless]).then((found) => found && read.push({ how, method, path, ...found }), () => {});

  const fetched = async (url, options) => {
    const ending = new AbortController(); // a stream has no end
    const answer = await fetch(url, { ...options, signal: ending.signal });
    const isStream = answer.headers.get("Content-Type")?.startsWith("text/event-stream");
    const text = isStream ? "a stream" : await answer.text();
    ending.abort();
    return answer.type === "opaque" ? null : { status: answer.status, text };
  };

  const added = (name, attributes) => Object.assign(document.createElement(name), attributes);

  const ended = (element) =>
    new Promise((resolve) => {
      element.onload = element.onloadeddata = () => resolve({ status: 200, text: "loaded" });
      element.onerror = () => resolve(null);
      document.body.append(element);
    });

  const framed = async (attributes, start = () => {}) => {
    const frame = added("iframe", attributes);
    document.body.append(frame);
    const loaded = new Promise((resolve) => (frame.onload = resolve)); // not of the empty document, which has loaded
    start(frame);
    await loaded;
    const text = frame.contentDocument?.body?.innerText;
    return text ? { status: 200, text } : null;
  };

  const posted = (url, enctype) => {
    const name = `${enctype} ${url}`;
    return framed({ name }, () => {
      const form = added("form", { action: url, method: "post", enctype, target: name });
      const isText = enctype === "text/plain"; // sent as NAME=VALUE: one JSON document
      const fields = isText ? { [`${json.slice(0, -1)},"rest":"`]: '"}' } : body;
      for (const [key, value] of Object.entries(fields)) form.append(added("input", { name: key, value }));
      document.body.append(form);
      form.submit();
    });
  };

  const opened = (source) =>
    new Promise((resolve) => {
      source.onopen = source.onmessage = () => resolve({ status: 200, text: "opened" });
      source.onerror = source.onclose = () => resolve(null);
    }).finally(() => source.close());

  const tried = endpoints.flatMap((endpoint) => {
    const { method, path } = endpoint;
    const url = `${server}${path}`;
    const redirected = `${redirector}/?to=${encodeURIComponent(url)}`;
    const under = (how, promise) => attempt(how, endpoint, promise);
    const asText = method === "GET" ? {} : { body: json, headers: { "Content-Type": "text/plain" } };
    const asJson = method === "GET" ? {} : { body: json, headers: { "Content-Type": "application/json" } };
    const all = [
      under("fetch cors omit", fetched(url, { method, mode: "cors", credentials: "omit", ...asJson })),
      under("fetch cors include", fetched(url, { method, mode: "cors", credentials: "include", ...asText })),
      under("fetch no-cors omit", fetched(url, { method, mode: "no-cors", credentials: "omit", ...asText })),
      under("fetch no-cors include", fetched(url, { method, mode: "no-cors", credentials: "include", ...asText })),
      under("fetch same-origin", fetched(url, { method, mode: "same-origin", credentials: "include", ...asJson })),
    ];
    for (const mode of ["cors", "no-cors"]) {
      const options = { method, mode, credentials: "include", referrerPolicy: "no-referrer", ...asText };
      all.push(under(`redirect ${mode}`, fetched(redirected, options)));
    }
    if (method === "GET") {
      all.push(
        under("img", ended(added("img", { src: url }))),
        under("script", ended(added("script", { src: url }))),
        ...(path === "/api/events" ? [] : [under("module", ended(added("script", { src: url, type: "module" })))]), // endless
        under("stylesheet", ended(added("link", { href: url, rel: "stylesheet" }))),
        under("video", ended(added("video", { src: url }))),
        under("iframe", framed({ src: url })),
        under("EventSource", opened(new EventSource(url, { withCredentials: true }))),
        ended(added("link", { href: url, rel: "prefetch" })), // loads, and nothing can read it
      );
    } else if (method === "POST") {
      for (const enctype of ["application/x-www-form-urlencoded", "multipart/form-data", "text/plain"])
        all.push(under(`form ${enctype}`, posted(url, enctype)));
    }
    return all;
  });
  const open = { method: "GET", path: "/api/events" };
  tried.push(
    attempt("WebSocket", open, opened(new WebSocket(server.replace("http", "ws") + open.path))), // browsers delay several
    attempt("TLS", open, fetched(server.replace("http", "https") + open.path, { mode: "no-cors" })),
    attempt("too long", open, fetched(`${server}${open.path}?x=${"x".repeat(200_000)}`, { mode: "no-cors" })),
  );
  await Promise.allSettled(tried);
  return read;
}
