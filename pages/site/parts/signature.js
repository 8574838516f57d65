// Ed25519 signatures. Not every browser knows them (Chrome from 137, Safari from 17, Firefox from 129): the others use a small library.
import { verifyAsync } from "../lib/ed25519.js";

const NAME = "Ed25519";

/** Whether this key has signed this content; all three are bytes. */
export async function isSigned(content, signature, publicKey) {
  let key;
  try {
    key = await crypto.subtle.importKey("raw", publicKey, { name: NAME }, false, ["verify"]);
  } catch {
    return isSignedByLibrary(content, signature, publicKey);
  }
  return crypto.subtle.verify({ name: NAME }, key, signature, content);
}

export async function isSignedByLibrary(content, signature, publicKey) {
  try {
    return await verifyAsync(signature, content, publicKey, { zip215: false });
  } catch {
    return false;
  }
}
