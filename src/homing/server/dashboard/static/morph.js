// A way for htmx to swap that changes only what differs: what has the focus, is open or was typed stays as it is.
"use strict";

{
  const keyOf = (node) => (node.nodeType === Node.ELEMENT_NODE && (node.id || node.dataset.key)) || null;

  // What a person did to an element stands in attributes too, and the server knows nothing of it.
  const isTheirs = (element, name) => element.localName === "details" && (name === "open" || name === "data-flipped");

  function morph(old, made) {
    if (old.nodeType !== made.nodeType || old.nodeName !== made.nodeName) {
      old.replaceWith(made);
    } else if (old.nodeType !== Node.ELEMENT_NODE) {
      if (old.nodeValue !== made.nodeValue) {
        old.nodeValue = made.nodeValue;
      }
    } else if (!old.isEqualNode(made)) {
      const isKept = "keep" in made.dataset;
      morphAttributes(old, made, isKept);
      if (!isKept) {
        morphChildren(old, made);
      }
    }
  }

  function morphAttributes(old, made, isKept) {
    for (const { name } of [...old.attributes]) {
      if (!made.hasAttribute(name) && !isKept && !isTheirs(old, name)) {
        old.removeAttribute(name);
      }
    }
    for (const { name, value } of made.attributes) {
      if (old.getAttribute(name) !== value) {
        old.setAttribute(name, value);
        if (name === "value" && old !== document.activeElement) {
          old.value = value;
        }
      }
    }
  }

  function morphChildren(old, made) {
    const wanted = [...made.childNodes];
    const keys = new Set(wanted.map(keyOf));
    const known = new Map([...old.childNodes].map((node) => [keyOf(node), node]));
    let here = old.firstChild;
    for (const child of wanted) {
      const key = keyOf(child);
      const match = key ? known.get(key) : sameSort(here, child);
      // What goes is taken out first, so that what stays need not move: moving takes the focus away.
      while (key && match && here !== match && !keys.has(keyOf(here) ?? "")) {
        here = remove(here);
      }
      known.delete(key);
      if (!match) {
        old.insertBefore(child, here);
      } else if (match === here) {
        here = here.nextSibling;
        morph(match, child);
      } else {
        old.insertBefore(match, here);
        morph(match, child);
      }
    }
    while (here) {
      here = remove(here);
    }
  }

  function sameSort(node, child) {
    return node && !keyOf(node) && node.nodeName === child.nodeName ? node : null;
  }

  function remove(node) {
    const next = node.nextSibling;
    node.remove();
    return next;
  }

  function morphKeepingFocus(old, made) {
    const focused = document.activeElement;
    morph(old, made);
    if (focused !== document.activeElement && focused.isConnected) {
      focused.focus({ preventScroll: true });
    }
  }

  htmx.defineExtension("morph", {
    isInlineSwap: (style) => style === "morph",
    handleSwap: (style, target, fragment) => {
      if (style !== "morph") {
        return false;
      }
      morphKeepingFocus(target, fragment.firstElementChild);
      return [target];
    },
  });
}
