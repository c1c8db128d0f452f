// What the device keeps for the app. Where storage is full or forbidden, as long as the page is open.

const held = new Map();

export function read(name) {
  if (held.has(name)) return held.get(name);
  try {
    return localStorage.getItem(name);
  } catch {
    return null;
  }
}

export function write(name, text) {
  held.set(name, text);
  try {
    localStorage.setItem(name, text);
    held.delete(name);
  } catch {
    // It is held.
  }
}

export function erase(name) {
  held.delete(name);
  try {
    localStorage.removeItem(name);
  } catch {
    // Nothing was ever kept.
  }
}
