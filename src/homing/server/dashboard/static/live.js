// The live page: asks again every two seconds, unless it is paused, hidden, or somebody is reading in the list.
"use strict";

{
  const list = document.getElementById("live");
  const button = document.getElementById("pause");
  const failure = document.getElementById("failure");
  let paused = false;

  function tick() {
    if (!paused && document.visibilityState === "visible") {
      // A failure is told by an event, see below.
      htmx.ajax("GET", list.dataset.address, { source: list, target: list, swap: "innerHTML" }).catch(() => {});
    }
  }

  button.hidden = false;
  button.addEventListener("click", () => {
    paused = !paused;
    button.setAttribute("aria-pressed", String(paused));
    tick();
  });

  // What is scrolled to and what has the focus stay, although the list is new.
  let place = 0;
  let focused = null;
  document.addEventListener("htmx:beforeSwap", () => {
    place = list.querySelector(".table-wrap")?.scrollLeft ?? 0;
    focused = list.contains(document.activeElement) ? document.activeElement.id || "wrap" : null;
  });
  document.addEventListener("htmx:afterSwap", () => {
    failure.textContent = "";
    const wrap = list.querySelector(".table-wrap");
    if (wrap) {
      wrap.scrollLeft = place;
    }
    if (focused) {
      (document.getElementById(focused) ?? wrap)?.focus({ preventScroll: true });
    }
  });

  for (const failed of ["htmx:responseError", "htmx:sendError", "htmx:timeout"]) {
    document.addEventListener(failed, () => {
      failure.textContent = `Could not ask at ${localClock(new Date())}; the list is shown as it was.`;
    });
  }

  setInterval(tick, list.dataset.every * 1000);
}
