// What this device keeps, as JSON. What cannot be stored (a private window, a full device) is kept until the page
// is left.
const PREFIX = "kepu.";
const memory = new Map();

export function stored(name) {
  if (memory.has(name)) return memory.get(name);
  try {
    return JSON.parse(localStorage.getItem(PREFIX + name));
  } catch {
    return null;
  }
}

/** Keep a value. False: only until the page is left. */
export function store(name, value) {
  try {
    localStorage.setItem(PREFIX + name, JSON.stringify(value));
    memory.delete(name);
    return true;
  } catch {
    // The older value in the storage must not be read any more.
    memory.set(name, value);
    return false;
  }
}

export function forget(name) {
  memory.delete(name);
  try {
    localStorage.removeItem(PREFIX + name);
  } catch {
    // It was not there.
  }
}

/** The names of what is kept that begin like this. */
export function names(beginning) {
  const found = new Set(memory.keys());
  try {
    for (const key of Object.keys(localStorage)) if (key.startsWith(PREFIX)) found.add(key.slice(PREFIX.length));
  } catch {
    // Only the memory.
  }
  return [...found].filter((name) => name.startsWith(beginning));
}

/** Call this when another tab changes what is kept under a name; null: it is gone. */
export function watch(name, work) {
  addEventListener("storage", (event) => {
    if (event.key === PREFIX + name) work(event.newValue === null ? null : JSON.parse(event.newValue));
  });
}

/** A random name that nobody else has. (crypto.randomUUID is younger than some phones.) */
export function randomName() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
