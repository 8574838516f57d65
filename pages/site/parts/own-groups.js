// The groups that the reader manages: schools, units and service teams.
import { ask } from "./api.js";

let found = null;

/** [{group_id, name, …}], read once. */
export async function ownGroups() {
  found ??= read();
  try {
    return await found;
  } catch (error) {
    // The next call asks again.
    found = null;
    throw error;
  }
}

async function read() {
  const { managers } = await ask("registration", "/me/groups");
  return Promise.all(managers.map(({ group_id }) => ask("registration", `/groups/${encodeURIComponent(group_id)}`)));
}
