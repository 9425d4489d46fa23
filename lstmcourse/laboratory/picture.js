// The diagram, alive: a line's width and colour and the figure beside it are its value; glyphs are chosen, numbers moved.

function pictureView(svg, store, { hover, leave, choose }) {
  const { spec } = store,
    all = (s) => [...svg.querySelectorAll(s)];
  const said = (key) => spec.words[key]?.said ?? key;
  const lines = all("[data-line]"),
    numbers = all("[data-number]"),
    updates = [];

  // What can be reached: what comes in first, then the glyphs in the order of the equations.
  const stops = [...all("[data-number][data-in]"), ...all("[data-glyph]")];
  const keyOf = (g) => g.dataset.number ?? g.dataset.glyph;

  for (const g of stops) {
    const key = keyOf(g);
    g.setAttribute("tabindex", "-1");
    if (key in spec.holdable || ("in" in g.dataset && key !== spec.clock))
      updates.push(movable(g, hand(key)));
    else {
      g.setAttribute("role", "button");
      updates.push(() => put(g, "aria-label", `${said(key)}: ${shown(store.read(key))}`));
    }
  }
  for (const g of numbers)
    if (!stops.includes(g)) {
      g.setAttribute("aria-hidden", "true");
      if ("move" in g.dataset) draggable(g, hand(g.dataset.number));
    }
  stops[0]?.setAttribute("tabindex", "0");

  function hand(key) {
    return {
      label: () => said(key) + (key in spec.holdable && store.heldAt(key) ? ", held" : ""),
      read: () => store.read(key),
      range: () => store.range(key),
      write: (v) => store.move(key, v),
      free: () => {
        const to = store.target(key);
        if (to?.kind === "hold") store.hold(to.name, to.step, to.step, NaN);
      },
    };
  }

  svg.addEventListener("keydown", (e) => {
    const here = e.target.closest("[tabindex]"),
      at = stops.indexOf(here);
    if (at < 0) return;
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: stops.length - 1 }[e.key];
    if (to !== undefined) {
      const next = stops[(to + stops.length) % stops.length];
      here.setAttribute("tabindex", "-1");
      next.setAttribute("tabindex", "0");
      next.focus();
    } else if (e.key === "Enter" || e.key === " ") choose(keyOf(here), true);
    else return;
    e.preventDefault();
  });
  const under = (e) => {
    const g = e.target.closest("[data-glyph], [data-number], [data-line]");
    return g && (g.dataset.glyph ?? g.dataset.number ?? g.dataset.line);
  };
  svg.addEventListener("pointerover", (e) => (under(e) ? hover(under(e)) : leave()));
  svg.addEventListener("pointerleave", leave);
  svg.addEventListener("focusin", (e) => {
    const g = e.target.closest("[tabindex]");
    if (g) hover(keyOf(g));
  });
  svg.addEventListener("click", (e) => {
    const key = under(e),
      g = e.target.closest("[tabindex]");
    if (g && stops.includes(g)) {
      for (const s of stops) s.setAttribute("tabindex", s === g ? "0" : "-1");
      g.focus({ preventScroll: true });
    }
    if (key) choose(key);
  });

  return {
    mark(key) {
      for (const g of all("[data-glyph], [data-number]")) g.classList.toggle("lc-chosen", keyOf(g) === key);
    },
    paint() {
      for (const g of lines) {
        const v = store.read(g.dataset.line);
        if (v === undefined) continue;
        const size = Math.min(1, Math.abs(v));
        g.style.setProperty("--lc-part", `${Math.round(85 * size)}%`);
        g.style.setProperty("--lc-hue", `var(--lc-${v < 0 ? "blue" : "orange"})`);
        g.style.setProperty("--lc-width", (1.6 + 4.4 * size).toFixed(2));
      }
      for (const g of numbers) {
        const key = g.dataset.number,
          v = store.read(key),
          to = store.target(key);
        write(g.lastElementChild, v === undefined ? "" : shown(v));
        g.classList.toggle("lc-held", to !== null && to.kind === "hold" && store.heldAt(to.name, to.step));
      }
      for (const f of updates) f();
    },
  };
}
