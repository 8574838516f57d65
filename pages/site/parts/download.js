// Files that only their owner may fetch: asked for with the token, then given to the browser to keep.
import { ask } from "./api.js";

export async function download(service, path, name) {
  const file = await ask(service, path, { as: "blob", seconds: 60 });
  const address = URL.createObjectURL(file);
  const link = Object.assign(document.createElement("a"), { href: address, download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}
