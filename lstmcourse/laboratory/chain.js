// The picture of unrolled cells, alive: copies come one by one, then lines and bars as wide and high as what arrives.

function chainView(svg, store) {
  const { spec } = store,
    { steps, cells } = spec,
    [least, most, strip, widest] = spec.scale;
  const all = (from, s) => [...from.querySelectorAll(s)];
  // What stands for a number: of which state, and for which part of its derivative.
  const standing = (joint, tag) =>
    all(joint, `${tag}[data-of]`).map((el) => ({
      el,
      of: el.dataset.of,
      part: PARTS.indexOf(el.dataset.part),
    }));
  const parts = (el) => ({
    el,
    numbers: standing(el, "text"),
    lines: standing(el, "line"),
    bars: standing(el, "rect").map((bar) => ({ ...bar, top: topOf(bar.el) })),
  });
  const zeros = all(svg, "[data-zero]").map((el) => ({
    el,
    top: +el.dataset.zero,
    sides: el
      .getAttribute("d")
      .match(/^M([\d.]+) [\d.]+H([\d.]+)$/)
      .slice(1),
  }));
  // The strip that a bar stands in: the lowest that begins above it.
  function topOf(bar) {
    const y = bar.y.baseVal.value + bar.height.baseVal.value / 2;
    return Math.max(...zeros.map(({ top }) => top).filter((top) => top <= y + 1));
  }
  const rows = all(svg, "[data-row]").map((row) => ({
    loop: row.querySelector("[data-loop]"),
    copies: all(row, "[data-copy]"),
    joints: all(row, "[data-joint]").map(parts),
  }));
  const sides = ["high", "low"].map((side) => all(svg, `[data-${side}]`).map((g) => g.lastElementChild));

  // One stop of the keyboard: the inputs, from one to the next with arrows.
  const stops = all(svg, "[data-in]");
  // Larger than it looks, for fingers.
  const inputs = stops.map((g) => {
    const t = +g.dataset.x,
      read = () => store.inputs()[t - 1];
    const pill = g.querySelector("rect"),
      [x, y, wide, high] = ["x", "y", "width", "height"].map((k) => +pill.getAttribute(k));
    g.prepend(svgTag("rect", { class: "lc-hit", x: x - 6, y: y - 9, width: wide + 12, height: high + 18 }));
    g.setAttribute("tabindex", "-1");
    const update = movable(g, {
      label: () => `input at step ${t}`,
      read,
      range: () => [-3, 3],
      write: (v) => store.setInput(t, v),
    });
    return () => (write(g.lastElementChild, shown(read())), update());
  });
  stops[0]?.setAttribute("tabindex", "0");
  svg.addEventListener("keydown", (e) => {
    const at = stops.indexOf(e.target.closest("[data-in]")),
      to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: stops.length - 1 }[e.key];
    if (at < 0 || to === undefined) return;
    const next = stops[(to + stops.length) % stops.length];
    stops[at].setAttribute("tabindex", "-1");
    next.setAttribute("tabindex", "0");
    next.focus();
    e.preventDefault();
  });
  const place = (e) => e.target.closest("[data-joint]")?.dataset.joint;
  svg.addEventListener("pointerover", (e) => {
    const t = place(e);
    store.point(t !== undefined && +t >= store.arrived() ? +t : null);
  });
  svg.addEventListener("pointerleave", () => store.point(null));

  function ends() {
    const found = rows.flatMap((_, k) =>
      Object.keys(cells[k].states).flatMap((s) =>
        Array.from({ length: steps + 1 }, (_, t) => store.left(k, s, t)).flat(),
      ),
    );
    const low = Math.min(0, ...found.filter(Number.isFinite)),
      high = Math.max(0, ...found.filter(Number.isFinite));
    return [-Math.ceil(-low * 2) / 2 || 0, high <= 1 ? 1 : Math.ceil(high * 2) / 2];
  }
  const share = (v) => within(Math.log(Math.abs(v) / least) / Math.log(most / least), [0, 1]);
  const show = (el, yes) => put(el, "visibility", yes ? "visible" : "hidden");

  return {
    // Where what is handed on after a step stands.
    middle: (t) => {
      const { x, width } = rows[0].joints[t].el.querySelector(".hit");
      return x.baseVal.value + width.baseVal.value / 2;
    },
    paint() {
      const copies = store.copies(),
        arrived = store.arrived(),
        [low, high] = ends(),
        scale = strip / (high - low);
      put(svg, "aria-busy", store.busy);
      for (const { el, top, sides } of zeros)
        put(el, "d", `M${sides[0]} ${(top + scale * high).toFixed(1)}H${sides[1]}`);
      [high, low].forEach((v, k) => {
        for (const text of sides[k]) write(text, shown(v).replace(/\.?0+$/, ""));
      });
      rows.forEach(({ loop, copies: boxes, joints }, k) => {
        show(loop, copies === 0);
        boxes.forEach((g, t) => show(g, t < Math.max(1, copies)));
        joints.forEach(({ el, numbers, lines, bars }, t) => {
          const here = t >= arrived,
            left = {};
          show(el, copies > 0 && t <= copies);
          el.classList.toggle("lc-here", here && t === store.place());
          for (const s of Object.keys(cells[k].states)) left[s] = store.left(k, s, t);
          for (const { el, of } of numbers) {
            write(el, here ? small(left[of][0]) : shown(store.state(k, of, t)));
            el.classList.toggle("arrived", here);
          }
          for (const { el, of, part } of lines) {
            const v = left[of][part];
            put(el, "stroke-width", here && v ? (widest * share(v)).toFixed(2) : 0);
          }
          for (const { el, of, part, top } of bars) {
            const v = left[of][part];
            put(el, "y", (top + scale * (high - Math.max(v, 0))).toFixed(2));
            put(el, "height", here && Number.isFinite(v) ? (scale * Math.abs(v)).toFixed(2) : 0);
          }
        });
      });
      for (const f of inputs) f();
    },
  };
}
