// The dilemma: one tanh unit, its weight onto itself, how many steps; what it still knows, and what gradient comes back.

function newDilemma(spec) {
  const store = observed({ spec, weight: spec.weight, steps: spec.steps });
  // h = tanh(w h + x), the first input being 1; all others are 0.
  store.ends = (w) => {
    let h = Math.tanh(1),
      gradient = 1;
    for (let t = 0; t < store.steps; t++) {
      h = Math.tanh(w * h);
      gradient *= w * (1 - h * h);
    }
    return [h, gradient];
  };
  store.set = ({ weight = store.weight, steps = store.steps }, from) => {
    store.weight = weight;
    store.steps = steps;
    store.changed(from);
  };
  store.told = () => ({ weight: store.weight, steps: store.steps });
  store.take = (told, from) => store.set(told, from);
  return store;
}

function makeDilemma(root, store) {
  const { spec } = store,
    [width, height, left, top] = spec.box,
    right = width - 8,
    bottom = height - 22,
    N = 200;
  const x = (w) => left + ((right - left) * w) / spec.widest,
    y = (v) => top + ((bottom - top) * Math.log(Math.max(spec.least, Math.min(1, v)))) / Math.log(spec.least);
  const svg = svgTag("svg", { viewBox: `0 0 ${width} ${height}`, class: "lc-dilemma", role: "img" });
  for (let e = 0; e >= Math.log10(spec.least); e -= 3)
    svg.append(
      svgTag("path", { d: `M${left} ${y(10 ** e)}H${right}`, class: "lc-grid" }),
      svgTag("text", { x: left - 6, y: y(10 ** e) + 4, "text-anchor": "end" }, e ? `1e−${-e}` : "1"),
    );
  for (let w = 0; w <= spec.widest; w += 0.5)
    svg.append(svgTag("text", { x: x(w), y: height - 5, "text-anchor": "middle" }, String(w)));
  const hand = svgTag("path", { class: "lc-hand" }),
    knows = svgTag("path", { class: "lc-line", style: "--lc-hue:var(--lc-blue)" });
  const gradient = svgTag("path", { class: "lc-line lc-dashed", style: "--lc-hue:var(--lc-orange)" });
  const dots = ["blue", "orange"].map((hue) => svgTag("circle", { r: 6, style: `fill:var(--lc-${hue})` }));
  svg.append(hand, knows, gradient, ...dots);

  const status = make("p", { class: "lc-say", role: "status" }),
    link = make("span", { class: "lc-link" });
  const told = [
    ["blue", "it still knows", "of the first input"],
    ["orange", "a gradient of", "comes back"],
  ].map(([hue, before, after], k) => {
    const number = make("strong"),
      key = make("i", { class: `lc-swatch${k ? " lc-dashed" : ""}`, style: `--lc-hue:var(--lc-${hue})` });
    return { number, el: make("span", {}, key, ` ${before} `, number, ` ${after}`) };
  });
  // A slider ends before a field does.
  const pairs = [
    ["weight", "weight w", [0, spec.widest], spec.widest, 0.01, (weight) => store.set({ weight })],
    ["steps", "steps", [1, spec.longest], 200, 1, (steps) => store.set({ steps: Math.round(steps) })],
  ].map(([name, label, range, most, step, write]) => {
    const [min, max] = range,
      slider = rangeSlider(label, { min, max: most, step }, write);
    const field = numberField(label, {
      ...{ min, max, step: "any", range, write, text: String },
      read: () => store[name],
      say: (text) => (status.textContent = text),
      rest: store.flush,
    });
    return [name, label, slider, field];
  });
  const controls = make(
    "div",
    { class: "lc-controls" },
    ...pairs.map(([, label, s, f]) =>
      make(
        "div",
        { class: "lc-control" },
        make("span", {}, label === "steps" ? "T" : make("i", {}, "w")),
        s,
        f.el,
      ),
    ),
  );
  const equation = make("p", {
    class: "lc-hint",
    html: "<i>h</i><sub>t</sub> = tanh(<i>w</i> <i>h</i><sub>t−1</sub> + <i>x</i><sub>t</sub>): the first input is 1 or −1, all others are 0. Against the weight <i>w</i>, after <i>T</i> steps:",
  });

  let drawn = 0;
  settle(root, store, {
    parts: [
      titleBar(titled(spec.title), link, () => store.set(spec)),
      equation,
      svg,
      make("p", { class: "lc-told" }, ...told.map((t) => t.el)),
      controls,
      status,
    ],
    link,
    back: () => false,
    paint() {
      if (drawn !== store.steps) {
        const ws = Array.from({ length: N + 1 }, (_, k) => (spec.widest * k) / N),
          ends = ws.map(store.ends);
        [knows, gradient].forEach((line, c) =>
          put(
            line,
            "d",
            ws
              .map((w, k) =>
                ends[k][c] < spec.least
                  ? ""
                  : `${k && ends[k - 1][c] >= spec.least ? "L" : "M"}${x(w).toFixed(1)} ${y(ends[k][c]).toFixed(1)}`,
              )
              .join(""),
          ),
        );
        drawn = store.steps;
      }
      const ends = store.ends(store.weight);
      put(hand, "d", `M${x(store.weight)} ${top}V${bottom}`);
      ends.forEach((v, k) => {
        put(dots[k], "cx", x(store.weight).toFixed(1));
        put(dots[k], "cy", y(v).toFixed(1));
        write(told[k].number, small(v));
      });
      for (const [name, label, s, f] of pairs) {
        turn(s, store[name]);
        put(
          s,
          "aria-valuetext",
          `${label}: ${store[name]}; it still knows ${small(ends[0])}, a gradient of ${small(ends[1])} comes back`,
        );
        f.show(store[name]);
      }
    },
    rest: () =>
      put(
        svg,
        "aria-label",
        `With a weight of ${store.weight} and ${store.steps} steps it still knows ${small(ends(0))} of the first input, and a gradient of ${small(ends(1))} comes back. Below a weight of 1 both fade; above it the unit knows its first input and the gradient fades.`,
      ),
  });
  const ends = (k) => store.ends(store.weight)[k];
  put(svg, "aria-label", spec.title);
  // The picture is a handle too: where one presses is the weight.
  pressable(svg, (at) => {
    const w = ((at * width - left) / (right - left)) * spec.widest;
    store.set({ weight: hundredths(within(w, [0, spec.widest])) });
  });
  store.flush();
}

const begin = (key, _, spec) => enliven(key, () => newDilemma(spec), makeDilemma);
