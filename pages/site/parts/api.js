// Requests to the services. What they refuse is a Refused, with the stable code and words in the reader's language.
import { language } from "./language.js";
import { account, signedOut } from "./account.js";

const SECONDS_MAX = 20;
const TRIES_MAX = 4;
const WAIT_SECONDS = 0.5;
const WAIT_SECONDS_MAX = 10;
// What a repeat may not get: too many requests, and a service or its edge that is away for a moment.
const PASSING = new Set([429, 502, 503, 504]);

/** A service has answered, and says no. */
export class Refused extends Error {
  constructor(status, problem) {
    super(problem.detail ?? problem.title ?? String(status));
    this.status = status;
    this.code = problem.code ?? "";
    this.problem = problem;
  }
}

/** No service could be reached, however often it was tried. */
export class Unreached extends Error {}

/**
 * Ask a service, such as ask("quiz", "/quizzes"): the JSON of its answer, null if it has none.
 *
 * A request that changes nothing when it is repeated (`again`) is tried several times while the network or the
 * service is away. So is any request that a service did not take (code `overloaded`).
 * `as`: "json", "blob", or "tagged": {content, tag}, the JSON with its version (`ETag`). `token`: another one than the reader's; null for none.
 */
export async function ask(service, path, options = {}) {
  const { method = "GET", body, as = "json", headers = {}, seconds = SECONDS_MAX, signal } = options;
  const token = options.token === undefined ? account()?.token : options.token;
  const again = options.again ?? (method === "GET" || method === "PUT");
  const request = {
    method,
    signal,
    headers: {
      "accept-language": language,
      ...(token ? { authorization: `Bearer ${token}` } : {}),
      ...(body === undefined || body instanceof Blob ? {} : { "content-type": "application/json" }),
      ...headers,
    },
    body: body === undefined || body instanceof Blob ? body : JSON.stringify(body),
  };
  const address = `/api/${service}${path}`;
  for (let tried = 1; ; tried++) {
    const answer = await fetched(address, request, as, seconds);
    if (answer?.ok) return answer.content;
    const refused = answer && new Refused(answer.status, answer.content ?? {});
    const repeat = again || refused?.code === "overloaded";
    if (refused && !(repeat && PASSING.has(answer.status))) throw ended(refused, token);
    if (!repeat || tried >= (options.tries ?? TRIES_MAX)) throw refused ?? new Unreached(address);
    const asked = answer?.retryAfter || WAIT_SECONDS * 2 ** tried;
    // A service that asks for a longer wait than a person has gets no further request.
    if (asked > WAIT_SECONDS_MAX) throw refused;
    await wait(asked * (0.75 + Math.random() / 2), signal);
  }
}

/** All pages of a list, in order: `ask` with `limit` and `after` as long as there are more, at most `most` items. */
export async function all(service, path, list, most = 2000, options = {}) {
  const found = [];
  let after = null;
  do {
    const joint = path.includes("?") ? "&" : "?";
    const page = await ask(service, `${path}${joint}limit=100${after ? `&after=${encodeURIComponent(after)}` : ""}`, options);
    found.push(...page[list]);
    after = page.after;
  } while (after && found.length < most);
  return found;
}

/** A request's answer with its whole content. Null: there was none in time, or it broke off. */
async function fetched(address, request, as, seconds) {
  // Not AbortSignal.any and .timeout: phones of 2021 do not know them.
  const ending = new AbortController();
  const end = () => ending.abort();
  const timer = setTimeout(end, seconds * 1000);
  request.signal?.addEventListener("abort", end);
  try {
    const answer = await fetch(address, { ...request, signal: ending.signal });
    const retryAfter = Number(answer.headers.get("retry-after"));
    if (answer.ok) return { ok: true, content: await contentOf(answer, as) };
    return { ok: false, status: answer.status, retryAfter, content: await answer.json().catch(() => null) };
  } catch (error) {
    if (request.signal?.aborted) throw error;
    return null;
  } finally {
    clearTimeout(timer);
    request.signal?.removeEventListener("abort", end);
  }
}

async function contentOf(answer, as) {
  if (answer.status === 204) return null;
  if (as === "tagged") return { tag: answer.headers.get("etag"), content: await answer.json() };
  return as === "blob" ? answer.blob() : answer.json();
}

function ended(refused, token) {
  // The reader's own token has ended, not that of an attempt.
  if (refused.status === 401 && token && token === account()?.token) signedOut();
  return refused;
}

function wait(seconds, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, seconds * 1000);
    signal?.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(signal.reason);
    });
  });
}
