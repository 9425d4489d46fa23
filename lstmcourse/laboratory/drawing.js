// A network that draws: a picture that one draws or picks, and at each step its copy and where the network looks.

// What it knows. Nothing of this touches the page.
function newDrawing(cell, spec) {
  const params = unpacked(spec.weights),
    Y = spec.picture.length,
    X = spec.picture[0].length,
    still = Object.entries(spec.noise).map(([name, shape]) => [
      name,
      { shape: [spec.steps, 1, ...shape], data: new Float64Array(spec.steps * count(shape)) },
    ]);
  const store = observed({ spec, X, Y, picture: spec.picture.flat(), step: spec.steps - 1 });
  let found = null;
  store.set = (picture, from) => {
    store.picture = picture;
    found = null;
    store.changed(from);
  };
  store.look = (step) => {
    store.step = within(step, [0, spec.steps - 1]);
    store.repaint();
  };
  const value = (name) => {
    found ??= cell.run({
      params,
      ...Object.fromEntries(still),
      [spec.reads]: { shape: [1, Y, X], data: Float64Array.from(store.picture) },
    });
    const { shape, data } = found[name],
      n = count(shape.slice(2));
    return data.subarray(store.step * n, (store.step + 1) * n);
  };
  store.copy = () => Array.from(value("canvas"), (v) => 1 / (1 + Math.exp(-v)));
  // The centres of a window's filters, from the picture's corner, in pixels: from left to right, from top to bottom.
  store.window = (name) => ["x", "y"].map((axis) => Array.from(value(`${name}.mu_${axis}`), (v) => v - 0.5));
  store.told = () => ({
    picture: Array.from({ length: Y }, (_, r) => store.picture.slice(r * X, (r + 1) * X)),
  });
  store.take = (told, from) => store.set(told.picture.flat(), from);
  return store;
}

function makeDrawing(root, store) {
  const { spec, X, Y } = store,
    said = make("p", { class: "lc-hint lc-looks" }),
    link = make("span", { class: "lc-link" });
  const inked = (v) => v > 0.5;
  let here = 0;

  // Where a window begins and ends; what lies far outside the sheet is not shown.
  const ends = (centres, range) => [within(centres[0], range), within(centres.at(-1), range)];

  // A sheet of pixels, with a window over it.

  function sheet(attributes, pixel) {
    const pixels = Array.from({ length: X * Y }, (_, k) =>
      svgTag("rect", { x: k % X, y: Math.floor(k / X), width: 1, height: 1, ...pixel(k) }),
    );
    const rows = Array.from({ length: Y }, (_, r) =>
      svgTag("g", attributes.role === "grid" ? { role: "row" } : {}, ...pixels.slice(r * X, (r + 1) * X)),
    );
    const frame = svgTag("rect", { class: "lc-window" }),
      dots = svgTag("path", { class: "lc-dots" });
    const edge = svgTag("rect", { class: "lc-edge", width: X, height: Y });
    const svg = svgTag(
      "svg",
      { viewBox: `-1.5 -1.5 ${X + 3} ${Y + 3}`, class: "lc-sheet", ...attributes },
      ...rows,
      svgTag("g", { "aria-hidden": "true" }, edge, dots, frame),
    );
    return {
      svg,
      pixels,
      paint(values, window) {
        pixels.forEach((p, k) => put(p, "fill-opacity", values[k].toFixed(2)));
        if (!window) return;
        const [x, y] = window,
          [left, right] = ends(x, [-1, X + 1]),
          [top, bottom] = ends(y, [-1, Y + 1]);
        put(frame, "x", left.toFixed(2));
        put(frame, "y", top.toFixed(2));
        put(frame, "width", (right - left).toFixed(2));
        put(frame, "height", (bottom - top).toFixed(2));
        const points = y
          .flatMap((b) => x.map((a) => [a, b]))
          .filter(([a, b]) => a > -1 && a < X + 1 && b > -1 && b < Y + 1);
        put(dots, "d", points.map(([a, b]) => `M${a.toFixed(2)} ${b.toFixed(2)}h0`).join(""));
      },
    };
  }
  const place = (k) => `row ${Math.floor(k / X) + 1}, column ${(k % X) + 1}`;
  const picture = sheet(
    {
      role: "grid",
      "aria-multiselectable": "true",
      "aria-label": "the picture: arrows move, Space sets a pixel and clears it",
    },
    (k) => ({ role: "gridcell", tabindex: k ? -1 : 0, "aria-label": place(k) }),
  );
  const copy = sheet({ role: "img" }, () => ({}));

  // Drawing, with a pointer: all that one passes over is as the first pixel has become. And with keys.

  function ink(k, value) {
    if (store.picture[k] === value) return;
    store.set(store.picture.with(k, value));
  }
  const under = (e) => {
    const box = picture.svg.getBoundingClientRect(),
      x = Math.floor(((e.clientX - box.left) / box.width) * (X + 3) - 1.5),
      y = Math.floor(((e.clientY - box.top) / box.height) * (Y + 3) - 1.5);
    return x >= 0 && x < X && y >= 0 && y < Y ? y * X + x : -1;
  };
  function go(k) {
    picture.pixels[here].setAttribute("tabindex", -1);
    here = k;
    picture.pixels[k].setAttribute("tabindex", 0);
    picture.pixels[k].focus({ preventScroll: true });
  }
  let pen = null;
  picture.svg.addEventListener("pointerdown", (e) => {
    const k = under(e);
    if (e.button || k < 0) return;
    e.preventDefault();
    picture.svg.setPointerCapture(e.pointerId);
    pen = inked(store.picture[k]) ? 0 : 1;
    go(k);
    ink(k, pen);
  });
  picture.svg.addEventListener("pointermove", (e) => pen !== null && under(e) >= 0 && ink(under(e), pen));
  picture.svg.addEventListener("lostpointercapture", () => (pen = null));
  picture.svg.addEventListener("focusin", (e) => (here = Math.max(0, picture.pixels.indexOf(e.target))));
  picture.svg.addEventListener("keydown", (e) => {
    const x = here % X,
      to = {
        ArrowLeft: x ? here - 1 : here,
        ArrowRight: x < X - 1 ? here + 1 : here,
        ArrowUp: here >= X ? here - X : here,
        ArrowDown: here < X * (Y - 1) ? here + X : here,
        Home: here - x,
        End: here - x + X - 1,
      }[e.key];
    if (to !== undefined) go(to);
    else if (e.key === " " || e.key === "Enter") ink(here, inked(store.picture[here]) ? 0 : 1);
    else return;
    e.preventDefault();
  });

  // Other pictures

  const button = (text, label, act) => pushButton(text, act, { "aria-label": label });
  const moved = (dx, dy) =>
    store.set(
      store.picture.map((_, k) => store.picture[((Math.floor(k / X) + Y - dy) % Y) * X + ((k + X - dx) % X)]),
    );
  const moves = [
    ["←", "left", -1, 0],
    ["↑", "up", 0, -1],
    ["↓", "down", 0, 1],
    ["→", "right", 1, 0],
  ].map(([text, way, dx, dy]) => button(text, `move the picture ${way}`, () => moved(dx, dy)));
  const examples = spec.examples.map((_, k) => [k, `picture ${k + 1}`]);
  const pick = pickList("pick a picture", "pick a picture", examples, (k) =>
    store.set(spec.examples[k].flat()),
  );
  const empty = button("clear", "clear the picture", () => store.set(new Array(X * Y).fill(0)));

  // The steps

  const step = stepRow("step", spec.steps, store.look);

  const [looks, draws] = spec.windows.length === 2 ? spec.windows : [];
  const span = (centres, most) =>
    ends(centres, [0.5, most - 0.5])
      .map((v) => Math.round(v + 0.5))
      .join(" to ");
  const where = ([x, y]) => `columns ${span(x, X)} and rows ${span(y, Y)}`;
  function told() {
    const apart = store.copy().filter((v, k) => inked(v) !== inked(store.picture[k])).length;
    const window = looks
      ? ` it looks at ${where(store.window(looks))}, and draws in ${where(store.window(draws))};`
      : "";
    return `At step ${store.step + 1} of ${spec.steps}${window} the copy differs from the picture in ${apart} of ${X * Y} pixels.`;
  }

  const reset = () => {
    store.look(spec.steps - 1);
    store.set(spec.picture.flat());
  };
  const figure = (text, { svg }) => make("figure", {}, make("figcaption", {}, text), svg);
  settle(root, store, {
    parts: [
      titleBar(titled(spec.title), link, reset),
      make("div", { class: "lc-top lc-typing" }, pick, empty, make("span", {}, "move it"), ...moves),
      make(
        "div",
        { class: "lc-sheets" },
        figure(looks ? "the picture, and where it looks" : "the picture", picture),
        figure(looks ? "the copy, and where it draws" : "the copy", copy),
      ),
      step.el,
      said,
    ],
    link,
    back: () => false,
    paint() {
      picture.paint(store.picture, looks && store.window(looks));
      picture.pixels.forEach((p, k) => put(p, "aria-selected", inked(store.picture[k])));
      copy.paint(store.copy(), draws && store.window(draws));
      write(said, told());
      step.show(store.step, said.textContent);
      put(copy.svg, "aria-label", said.textContent);
    },
    rest: () => {},
  });
  store.flush();
}

const begin = (key, cell, spec) => enliven(key, () => newDrawing(cell, spec), makeDrawing);
