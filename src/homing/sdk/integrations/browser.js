// Runs in an application's page, as `frontend` says. Loads and sends nothing before it may.
(() => {
  "use strict";
  const told = JSON.parse(document.getElementById("homing-frontend").textContent);
  const nonce = document.currentScript.nonce;
  const KEY = "homing.consent";
  const EVERY_SESSION = 1;
  const ONE_IN_TEN = 0.1;
  let choice = remembered();
  let isRead = false;
  let begun = false;

  // Where the browser keeps nothing, a choice holds for the page.
  function remembered() {
    try {
      return localStorage.getItem(KEY);
    } catch {
      return null;
    }
  }

  function decide(word) {
    choice = word;
    try {
      localStorage.setItem(KEY, word);
    } catch {}
    show();
  }

  const may = () => choice === "accepted" || (choice === null && !told.consent);

  function load(name, ready) {
    const url = told.scripts[name];
    if (!url) {
      console.warn(`homing: nobody says where the library of ${name} is`);
      return;
    }
    const script = document.createElement("script");
    Object.assign(script, { src: url, nonce, async: true });
    script.addEventListener("load", () => may() && ready());
    document.head.append(script);
  }

  // A library that the application brought along is used as it is, and is there when the page has been read.
  function begin() {
    if (begun || !isRead || !may()) return;
    begun = true;
    if (told.posthog) window.posthog?.init ? beginPosthog() : load("posthog", beginPosthog);
    if (told.sentry) window.Sentry?.init ? beginSentry() : load("sentry", beginSentry);
  }

  function beginPosthog() {
    posthog.init(told.posthog.apikey, told.posthog.options);
    if (posthog.has_opted_out_capturing()) posthog.opt_in_capturing({ captureEventName: false });
    if (told.posthog.options.capture_pageview === false) followPages();
  }

  // What cannot be seen by the page's policy is left out: compression would need a worker.
  function beginSentry() {
    const { dsn, environment, version, production_mode } = told.sentry;
    Sentry.init({
      dsn,
      environment,
      release: version,
      integrations: Sentry.replayIntegration ? [Sentry.replayIntegration({ useCompression: false })] : [],
      replaysSessionSampleRate: production_mode ? ONE_IN_TEN : EVERY_SESSION,
    });
  }

  // A page is its path; some applications keep theirs behind the sign #.
  function page(url) {
    const { pathname, hash } = new URL(url);
    return hash.startsWith("#/") ? pathname + hash : pathname;
  }

  function followPages() {
    let url = null;
    const enter = () => {
      url = location.href;
      posthog.capture("$pageview");
    };
    const leave = (how) => {
      if (url === null) return;
      posthog.capture("$pageleave", { $current_url: url, $pathname: new URL(url).pathname }, how);
      url = null;
    };
    const moved = () => {
      if (url === null || page(location.href) === page(url)) return;
      leave();
      enter();
    };
    for (const name of ["pushState", "replaceState"]) {
      const original = history[name];
      history[name] = function (...given) {
        const result = original.apply(this, given);
        moved();
        return result;
      };
    }
    addEventListener("popstate", moved);
    addEventListener("pagehide", () => leave({ transport: "sendBeacon" }));
    addEventListener("pageshow", (event) => event.persisted && may() && enter());
    enter();
  }

  // The page's own words: what asks is shown while nobody answered, what answers does so when it is clicked.
  function show() {
    for (const each of document.querySelectorAll("[data-homing=ask]")) each.hidden = choice !== null;
  }

  function answered(event) {
    const word = event.target.closest?.("[data-homing]")?.dataset.homing;
    if (word === "accept") accept();
    if (word === "reject") reject();
  }

  function accept() {
    decide("accepted");
    if (begun) {
      window.posthog?.opt_in_capturing?.({ captureEventName: false });
      setSentry(true);
    }
    begin();
  }

  function reject() {
    decide("rejected");
    if (!begun) return;
    window.posthog?.opt_out_capturing?.();
    setSentry(false);
  }

  function setSentry(enabled) {
    const client = told.sentry && window.Sentry?.getClient?.();
    if (!client) return;
    client.getOptions().enabled = enabled;
    const replay = window.Sentry.getReplay?.();
    if (!enabled) replay?.stop();
  }

  window.homing = { accept, reject, choice: () => choice, configuration: told };
  const open = () => {
    isRead = true;
    show();
    begin();
  };
  document.addEventListener("click", answered);
  document.readyState === "loading" ? document.addEventListener("DOMContentLoaded", open) : open();
})();
