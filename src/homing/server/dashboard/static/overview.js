// The overview: refreshes by itself, says so, and gives menus and searches within lists their manners.
"use strict";

{
  const overview = () => document.getElementById("overview");
  let refreshing = false;
  let since = Date.now();

  // Refreshing.

  function tick() {
    const part = overview();
    if (!part || document.visibilityState !== "visible" || part.ariaBusy === "true" || refreshing) {
      return;
    }
    if (Date.now() - since >= part.dataset.refresh * 1000) {
      since = Date.now();
      refreshing = true;
      // A failure is told by an event, see below.
      htmx.ajax("GET", location.pathname + location.search, { source: part, target: part, swap: "morph" }).catch(() => {});
    }
  }

  function sayFailure(what) {
    const updated = document.querySelector("[data-updated]");
    const shown = updated && `; showing numbers of ${updated.querySelector("time").textContent}`;
    document.querySelector("[data-failure]").textContent = `Could not ${what} at ${localClock(new Date())}${shown ?? ""}.`;
    updated?.setAttribute("hidden", "");
  }

  const isRefresh = (event) => event.detail.elt === overview();
  const isOurs = (event) => event.detail.target === overview();

  document.addEventListener("htmx:beforeRequest", (event) => {
    if (isOurs(event) && !isRefresh(event)) {
      overview().ariaBusy = "true";
      closeMenu(event.detail.elt);
    }
  });

  document.addEventListener("htmx:afterRequest", (event) => {
    if (isOurs(event) && isRefresh(event)) {
      refreshing = false;
    } else if (isOurs(event)) {
      overview().ariaBusy = null;
    }
    since = Date.now();
  });

  for (const failed of ["htmx:responseError", "htmx:sendError", "htmx:timeout"]) {
    document.addEventListener(failed, (event) => {
      if (isOurs(event)) {
        sayFailure(isRefresh(event) ? "refresh" : "load");
      }
    });
  }

  document.addEventListener("visibilitychange", tick);
  setInterval(tick, 500);

  // Where the focus goes: back to what opened a menu; to the filters when what had it is gone.

  function closeMenu(within) {
    const menu = within.closest?.("details.menu[open]");
    if (menu) {
      menu.querySelector("summary").focus();
      menu.open = false;
    }
  }

  let hadFocus = false;
  document.addEventListener("htmx:beforeSwap", () => {
    hadFocus = overview()?.contains(document.activeElement) ?? false;
  });
  document.addEventListener("htmx:afterSwap", () => {
    if (hadFocus && document.activeElement === document.body) {
      document.querySelector("#add-filter summary")?.focus();
    }
    document.querySelectorAll("[data-row-search]").forEach(searchRows);
  });

  // The filter menu asks for its values each time it opens; arrows move through them.

  document.addEventListener("toggle", (event) => {
    if (event.target.id !== "add-filter") {
      return;
    }
    const search = document.getElementById("choice-search");
    if (event.target.open) {
      search.value = "";
      document.getElementById("choices").replaceChildren();
      htmx.trigger(search, "homing:open");
    }
  }, true);

  document.addEventListener("keydown", (event) => {
    const menu = event.target.closest?.("details.menu[open]");
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!menu || !step || event.target.type === "date") {
      return;
    }
    const stops = [...menu.querySelectorAll("summary, input, a.menu-item, button.menu-item")];
    stops[stops.indexOf(event.target) + step]?.focus();
    event.preventDefault();
  });

  // Searching within a long list.

  function searchRows(input) {
    const wanted = input.value.trim().toLowerCase();
    const panel = input.closest(".panel");
    let found = 0;
    for (const row of panel.querySelectorAll(".row")) {
      row.hidden = !row.dataset.key.toLowerCase().includes(wanted);
      found += !row.hidden;
    }
    panel.querySelector("[data-no-row]").hidden = found > 0;
  }

  document.addEventListener("input", (event) => {
    if (event.target.matches("[data-row-search]")) {
      event.target.closest(".panel").querySelector("details").open = event.target.value !== "";
      searchRows(event.target);
    }
  });

  // Dates that cannot be shown are told beside them, before anything is asked.

  document.addEventListener("submit", (event) => {
    if (event.target.id !== "dates") {
      return;
    }
    const { from, to } = event.target.elements;
    const problem = !from.value || !to.value ? "Give both days." : from.value > to.value ? "The first day is after the last." : "";
    const said = event.target.querySelector("[data-dates-error]");
    said.textContent = problem;
    said.hidden = !problem;
    if (problem) {
      event.preventDefault();
      event.stopImmediatePropagation();
      (from.value ? to : from).focus();
    }
  }, true);
}
