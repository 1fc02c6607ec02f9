// Sets the theme before the page is painted. Without a choice, or without storage, the system's one holds.
"use strict";

{
  const KEY = "homing-theme";
  let chosen = null;
  try {
    chosen = localStorage.getItem(KEY);
  } catch {
    // Storage may be forbidden; the system's theme holds then.
  }
  if (chosen === "light" || chosen === "dark") {
    document.documentElement.dataset.theme = chosen;
  }
}
