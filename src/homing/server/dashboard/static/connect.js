// How an app is connected: says so when it cannot be asked whether something arrived.
"use strict";

{
  const say = (text) => { document.querySelector("[data-failure]").textContent = text; };

  for (const failed of ["htmx:responseError", "htmx:sendError", "htmx:timeout"]) {
    document.addEventListener(failed, () => say(`Could not ask at ${localClock(new Date())}; this is asked again.`));
  }
  document.addEventListener("htmx:afterSwap", () => say(""));
}
