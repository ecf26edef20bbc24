/** A component whose code is fetched when it is first shown. */
import type { ComponentType } from "preact";
import { useEffect, useState } from "preact/hooks";

/** `load` fetches the module; the place stays empty for that moment. */
export function lazy<Props extends object>(load: () => Promise<ComponentType<Props>>): ComponentType<Props> {
  let found: ComponentType<Props> | undefined;
  return function Lazy(props: Props) {
    const [Loaded, take] = useState(() => found);
    const [error, fail] = useState("");
    useEffect(() => {
      if (Loaded) return;
      load().then(
        (component) => {
          found = component;
          take(() => component);
        },
        () => fail("This part of the page could not be fetched: the server is offline, or was updated. Reload the page."),
      );
    }, []);
    if (error) return <p class="block">{error}</p>;
    return Loaded ? <Loaded {...props} /> : null;
  };
}
