// What this device keeps, as JSON. Without storage (a private window) it is kept until the page is left.
const PREFIX = "kepu.";
const memory = new Map();

export function stored(name) {
  try {
    const text = localStorage.getItem(PREFIX + name);
    return text === null ? (memory.get(name) ?? null) : JSON.parse(text);
  } catch {
    return memory.get(name) ?? null;
  }
}

export function store(name, value) {
  memory.set(name, value);
  try {
    localStorage.setItem(PREFIX + name, JSON.stringify(value));
  } catch {
    // Full, or forbidden: the memory has it.
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
