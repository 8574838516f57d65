// Schools and organisations by their names, for pages that show whom an award is about.
import { all } from "./api.js";

const GROUPS_MAX = 5000;

/** Of each group its name, by its id. Without an answer there are none, and ids are shown. */
export async function groupNames() {
  const found = await all("registration", "/groups", "groups", GROUPS_MAX, { token: null }).catch(() => []);
  return new Map(found.map((one) => [one.group_id, one.name]));
}
