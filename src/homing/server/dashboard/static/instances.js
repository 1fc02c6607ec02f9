// The list of instances, and a history: says so when a part of it could not be loaded.
"use strict";

for (const failed of ["htmx:responseError", "htmx:sendError", "htmx:timeout"]) {
  document.addEventListener(failed, () => {
    document.getElementById("found").textContent = "This could not be loaded, and is shown as it was. Try again in a moment.";
  });
}
