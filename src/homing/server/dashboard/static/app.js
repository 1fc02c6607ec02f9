// What every page does beyond its HTML: the theme switch, menus that close, copy buttons, local times.
"use strict";

const localClock = (date) =>
  date.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });

{
  const THEMES = ["system", "light", "dark"];
  const root = document.documentElement;

  function theme() {
    return root.dataset.theme ?? "system";
  }

  function setTheme(name) {
    if (name === "system") {
      delete root.dataset.theme;
    } else {
      root.dataset.theme = name;
    }
    try {
      localStorage.setItem("homing-theme", name);
    } catch {
      // The choice then lasts until the page is left.
    }
    showTheme();
    document.dispatchEvent(new Event("homing:theme"));
  }

  function showTheme() {
    for (const button of document.querySelectorAll("[data-theme-switch]")) {
      button.hidden = false;
      button.setAttribute("aria-label", `Theme: ${theme()}`);
      button.title = "Switch between the system's, the light and the dark theme";
      button.querySelector("[data-theme-name]").textContent = theme();
    }
  }

  function closeMenus(except) {
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      if (menu !== except) {
        menu.open = false;
      }
    }
  }

  async function copy(button) {
    const text = document.getElementById(button.dataset.copy).textContent;
    const label = button.querySelector("[data-copy-label]");
    try {
      await navigator.clipboard.writeText(text);
      label.textContent = "Copied";
    } catch {
      // The clipboard is closed to pages without HTTPS: the text is selected instead.
      getSelection().selectAllChildren(document.getElementById(button.dataset.copy));
      label.textContent = "Selected, ready to copy";
    }
    setTimeout(() => { label.textContent = "Copy"; }, 2500);
  }

  // Times are written in UTC by the server, and shown as the reader's own.
  function showTimes() {
    for (const time of document.querySelectorAll("time[data-clock]")) {
      time.textContent = localClock(new Date(time.dateTime));
      time.title = time.dateTime;
    }
  }

  document.addEventListener("click", (event) => {
    closeMenus(event.target.closest("details.menu"));
    const switched = event.target.closest("[data-theme-switch]");
    if (switched) {
      setTheme(THEMES[(THEMES.indexOf(theme()) + 1) % THEMES.length]);
    }
    const copied = event.target.closest("[data-copy]");
    if (copied) {
      copy(copied);
    }
  });

  document.addEventListener("keydown", (event) => {
    const menu = document.querySelector("details.menu[open]");
    if (event.key === "Escape" && menu) {
      const inside = menu.contains(document.activeElement);
      menu.open = false;
      if (inside) {
        menu.querySelector("summary").focus();
      }
    }
  });

  document.addEventListener("focusin", (event) => closeMenus(event.target.closest("details.menu")));

  document.addEventListener("toggle", (event) => {
    const menu = event.target;
    if (menu.matches("details.menu")) {
      delete menu.dataset.flipped;
    }
    if (menu.matches("details.menu[open]")) {
      // Opens to the left where there is no room on the right.
      const { right } = menu.querySelector(".menu-body").getBoundingClientRect();
      if (right > root.clientWidth) {
        menu.dataset.flipped = "";
      }
      menu.querySelector("[data-first-focus]")?.focus();
    }
  }, true);

  document.addEventListener("htmx:afterSwap", showTimes);
  document.addEventListener("htmx:historyRestore", showTimes);

  showTheme();
  showTimes();
}
