/** The session that stands in for the API token, which a browser cannot send with every request (docs/security.md). */
import { ApiError, post, whyFailed } from "./api";

/** Exchange the code that the server printed, if the address has one, and remove it from the address. */
export async function takeCode(): Promise<void> {
  const code = new URLSearchParams(window.location.hash.slice(1)).get("code");
  if (!code) return;
  window.history.replaceState(null, "", window.location.pathname + window.location.search);
  try {
    await post("/api/session", { code });
  } catch {
    // The code was used before. If there is no session of then, the page asks for the token.
  }
}

/** Open a session with the API token. "" if it is open, else why it is not. */
export async function signIn(token: string): Promise<string> {
  try {
    await post("/api/session", { token });
    return "";
  } catch (error) {
    return error instanceof ApiError && error.status === 401 ? "That is not the API token of this server." : whyFailed(error);
  }
}
