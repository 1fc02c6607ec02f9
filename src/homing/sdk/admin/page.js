// What the pages do beyond their HTML: forms that answer in place, copy buttons, the reader's own time.
"use strict";

{
  function dress(root) {
    for (const time of root.querySelectorAll("time")) {
      time.title = time.dateTime;
      time.textContent = new Date(time.dateTime).toLocaleString([], { dateStyle: "medium", timeStyle: "short" });
    }
    for (const button of root.querySelectorAll("[data-copy]")) {
      button.hidden = false;
    }
  }

  async function copy(button) {
    const code = document.getElementById(button.dataset.copy);
    try {
      await navigator.clipboard.writeText(code.dataset.whole);
      button.textContent = "Copied";
    } catch {
      // The clipboard is closed to pages without HTTPS: the whole text is selected instead.
      code.textContent = code.dataset.whole;
      getSelection().selectAllChildren(code);
      button.textContent = "Selected, ready to copy";
    }
    setTimeout(() => { button.textContent = "Copy"; }, 2500);
  }

  // Details stay open, and the focus goes to what is told, or back to where it was.
  function show(page) {
    const before = document.getElementById("main");
    const after = page.getElementById("main");
    const open = [...before.querySelectorAll("details[open] > summary")].map((each) => each.textContent);
    for (const summary of after.querySelectorAll("details > summary")) {
      summary.parentElement.open = open.includes(summary.textContent);
    }
    dress(after);
    before.replaceWith(after);
    document.title = page.title;
    const told = after.querySelector("[data-notice]") ?? after;
    told.focus({ preventScroll: true });
    told.scrollIntoView({ block: "nearest" });
  }

  async function send(form, button) {
    const body = new URLSearchParams(new FormData(form, button));
    button.setAttribute("aria-busy", "true");
    const answer = await fetch(form.action, { method: "POST", body });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (!page.getElementById("main") || new URL(answer.url).pathname !== new URL(form.action).pathname) {
      location.assign(answer.url);
      return;
    }
    show(page);
  }

  document.addEventListener("submit", (event) => {
    const button = event.submitter;
    if (!button || button.getAttribute("aria-busy") === "true") {
      event.preventDefault();
      return;
    }
    // The step of set-up goes on to a page of the host's.
    if (event.target.hasAttribute("data-leaves")) {
      return;
    }
    event.preventDefault();
    // Without an answer the browser itself tries, and says what is wrong.
    send(event.target, button).catch(() => location.reload());
  });

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-copy]");
    if (button) {
      copy(button);
    }
  });

  document.addEventListener("change", (event) => {
    const state = event.target.closest(".switch")?.querySelector(".state");
    if (state) {
      state.textContent = event.target.checked ? "On" : "Off";
    }
  });

  dress(document);
}
