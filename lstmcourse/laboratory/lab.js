// One laboratory in a page: the picture, what a value is, through time, and every weight. Made from the still picture.

function makeLab(root, store) {
  const { spec } = store;
  const still = root.querySelector("img");
  const bytes = Uint8Array.from(atob(still.src.slice(still.src.indexOf(",") + 1)), (c) => c.charCodeAt(0));
  const scroll = make("div", { class: "lc-scroll", html: new TextDecoder().decode(bytes).replace(/^<\?xml.*?\?>/, "") });
  const svg = scroll.querySelector("svg");
  svg.style.minWidth = `${Math.max(Math.min(520, svg.width.baseVal.value), 0.75 * svg.width.baseVal.value)}px`; // or figures get too small

  const alt = make("p", { class: "lc-alt" }), status = make("p", { class: "lc-say", role: "status" }), link = make("span", { class: "lc-link" });
  const said = make("div", { class: "lc-explain" });
  const time = make("div", { class: "lc-time" }), all = make("div", { class: "lc-controls" });
  const top = make("div", { class: "lc-top" }, make("span", { class: "lc-title", html: spec.title }), link);

  if (store.units > 1) {
    const buttons = Array.from({ length: store.units }, (_, u) => make("button", { type: "button", onclick: () => store.look({ unit: u }) }, `${u + 1}`));
    top.append(make("span", { class: "lc-units", role: "group", "aria-label": "unit in view" }, "unit ", ...buttons));
    store.onPaint(() => buttons.forEach((b, u) => b.setAttribute("aria-pressed", u === store.unit)));
  }
  top.append(make("button", { type: "button", class: "lc-reset", onclick: () => (timeline.clear(), store.reset(), say("All is as it was at the start.")) }, "reset"));
  const say = (text) => (status.textContent = text);

  // What is explained: what one points at or has the focus on, else what one has chosen.
  let chosen = null, pointed = null, later = 0;
  const look = () => {
    explain.show(pointed ?? chosen);
    picture.mark(pointed ?? chosen);
  };
  const hover = (key) => {
    clearTimeout(later);
    pointed = key;
    look();
  };
  const leave = () => {
    clearTimeout(later);
    later = setTimeout(() => ((pointed = null), look()), 150);
  };
  const choose = (key, aloud) => {
    chosen = pointed = key;
    look();
    if (aloud) say(explain.text());
  };

  const explain = explainView(said, store);
  const picture = pictureView(svg, store, { hover, leave, choose });
  const timeline = timelineView(time, store, { hover, choose, say });
  const controls = controlsView(all, store);
  said.addEventListener("pointerenter", () => clearTimeout(later));
  time.addEventListener("pointerleave", leave);

  // The notebook listens for its shortcuts at the document: what is typed here stays here; Escape goes back, step by step.
  root.setAttribute("data-lm-suppress-shortcuts", "true");
  root.addEventListener("keydown", (e) => {
    if (e.key === "Escape") {
      if (chosen !== null) {
        chosen = pointed = null;
        look();
      } else {
        document.activeElement?.blur?.();
        root.closest(".jp-Cell")?.closest(".jp-Notebook")?.focus?.();
      }
      e.stopPropagation();
    } else if (e.key !== "Tab" && !e.ctrlKey && !e.metaKey && !e.altKey) e.stopPropagation();
  });

  const details = make("details", { open: spec.open, ontoggle: () => controls.paint() }, make("summary", {}, "weights, biases, starts"), all);
  alt.id = `${svg.querySelector("title").id}-now`;
  svg.setAttribute("aria-describedby", alt.id);
  root.setAttribute("role", "group");
  root.setAttribute("aria-label", spec.name);
  root.replaceChildren(...root.querySelectorAll("style"), top, scroll, said, time, status, details, alt);
  root.dataset.alive = "yes";

  let quiet = 0;
  store.onPaint(() => {
    if (!root.isConnected && root.dataset.alive === "shown") return;
    root.dataset.alive = "shown";
    picture.paint();
    explain.paint();
    timeline.paint();
    if (details.open) controls.paint();
    clearTimeout(quiet);
    quiet = setTimeout(() => {
      timeline.say();
      const parts = spec.rows.map(({ key }) => `${spec.words[key].said} ${shown(store.read(key))}`);
      alt.textContent = `Step ${store.step + 1} of ${store.steps}: ${parts.join(", ")}.`;
    }, 300);
  });
  explain.show(null);
  look();
  store.connected = (text) => (link.textContent = text);
  store.flush();
}

// All places in the page that show this laboratory, and that have no life yet. What they share is in one store.
function begin(key, cell, spec) {
  const labs = (globalThis[Symbol.for("lstmcourse.labs")] ??= new Map());
  for (const root of document.querySelectorAll(`.lc-lab[data-key="${key}"]:not([data-alive])`)) {
    if (!labs.has(key)) labs.set(key, newStore(cell, spec));
    makeLab(root, labs.get(key));
  }
  document.dispatchEvent(new CustomEvent("lstmcourse:lab", { detail: { key } }));
}
