// What all laboratories do with their place in the page: its keys, its life.

// The still picture's marks, which come to life.
function stillOf(root) {
  const still = root.querySelector("img"),
    bytes = Uint8Array.from(atob(still.src.slice(still.src.indexOf(",") + 1)), (c) => c.charCodeAt(0));
  return new TextDecoder().decode(bytes).replace(/^<\?xml.*?\?>/, "");
}

const REST = 300; // milliseconds until a hand that has not moved is said to rest

// Put the parts in place and keep them painted; `rest` is for what may wait until the hand rests, `back` for Escape.
function settle(root, store, { parts, link, back, paint, rest }) {
  // The notebook listens for its shortcuts at the document, and may hear before the page does: it leaves alone what has
  // the focus and says so. What is typed here stays here; Escape goes back, step by step.
  root.addEventListener("focusin", (e) => e.target.setAttribute("data-lm-suppress-shortcuts", "true"));
  root.addEventListener("keydown", (e) => {
    if (e.key === "Escape") {
      if (!back()) {
        document.activeElement?.blur?.();
        root.closest(".jp-Cell")?.closest(".jp-Notebook")?.focus?.();
      }
      e.stopPropagation();
    } else if (e.key !== "Tab" && !e.ctrlKey && !e.metaKey && !e.altKey) e.stopPropagation();
  });
  root.setAttribute("role", "group");
  root.setAttribute("aria-label", store.spec.name);
  root.replaceChildren(...root.querySelectorAll("style"), ...parts);
  root.dataset.alive = "yes";

  let quiet = 0,
    moved = 0;
  const wait = () => {
    const left = moved + REST - performance.now();
    quiet = left > 0 ? setTimeout(wait, left) : 0;
    if (!quiet) rest();
  };
  store.onPaint(() => {
    if (!root.isConnected && root.dataset.alive === "shown") return;
    put(root, "data-alive", "shown");
    paint();
    moved = performance.now();
    quiet ||= setTimeout(wait, REST);
  });
  store.connected = (text) => (link.textContent = text);
}

// All places in the page that show a laboratory, and that have no life yet. What they share is in one store.
function enliven(key, newStore, make) {
  const labs = (globalThis[Symbol.for("lstmcourse.labs")] ??= new Map());
  for (const root of document.querySelectorAll(`.lc-lab[data-key="${key}"]:not([data-alive])`)) {
    if (!labs.has(key)) labs.set(key, newStore());
    make(root, labs.get(key));
  }
  document.dispatchEvent(new CustomEvent("lstmcourse:lab", { detail: { key } }));
}
