// A network that makes up sound: the message behind each frame, a dial for each of its numbers, and the wave.

// What it knows. Nothing of this touches the page.
function newImagining(cell, spec) {
  const params = unpacked(spec.weights),
    [T, Z, D] = spec.size,
    noise = { shape: [T, 1, D], data: new Float64Array(T * D) };
  const store = observed({ spec, T, Z, D, deviations: spec.deviations.flat(), step: Math.floor(T / 2) });
  let found = null;
  store.drawn = store.deviations;
  const made = (deviations) =>
    cell.run({
      params,
      [spec.message]: { shape: [T, 1, Z], data: Float64Array.from(deviations) },
      [spec.noise]: noise,
    });
  const now = () => (found ??= made(store.deviations));
  store.sound = () => now().x.data;
  store.before = made(store.drawn).x.data;
  // A number of a message: what is expected of it, by how much it may differ, and what it is.
  store.message = (t, k) => {
    const at = t * Z + k,
      [mu, sigma] = spec.expects ? spec.expects.map((name) => now()[name].data[at]) : [0, 1];
    return { mu, sigma, z: mu + sigma * store.deviations[at] };
  };

  store.set = (deviations, from) => {
    store.deviations = deviations;
    found = null;
    store.changed(from);
  };
  store.turn = (k, value, t = store.step) => store.set(store.deviations.with(t * Z + k, value));
  // From here on it is this sound that others are compared with.
  store.begin = (deviations) => {
    store.drawn = deviations;
    store.before = made(deviations).x.data;
    store.set(deviations);
  };
  store.look = (step) => {
    store.step = within(step, [0, T - 1]);
    store.repaint();
  };
  store.told = () => ({
    deviations: Array.from({ length: T }, (_, t) => store.deviations.slice(t * Z, (t + 1) * Z)),
  });
  store.take = (told, from) => store.set(told.deviations.flat(), from);
  return store;
}

// A number as chance gives it, no farther out than a dial goes.
function normal(farthest) {
  const v = Math.sqrt(-2 * Math.log(1 - Math.random())) * Math.cos(2 * Math.PI * Math.random());
  return hundredths(within(v, [-farthest, farthest]));
}

function makeImagining(root, store) {
  const { spec, T, Z, D } = store,
    range = [-spec.farthest, spec.farthest];
  const [width, left, right, top, high, gap, low] = [640, 34, 6, 16, 130, 14, 46];
  const link = make("span", { class: "lc-link" }),
    said = make("p", { class: "lc-hint lc-looks" }),
    alt = make("p", { class: "lc-alt" });
  const column = (width - left - right) / T,
    x = (t) => left + column * t;

  // The picture: the wave, and below it each number of all messages, with what is expected of it.

  const height = top + high + Z * (low + gap) + 4;
  const svg = svgTag("svg", { viewBox: `0 0 ${width} ${height}`, class: "lc-waves", role: "img" });
  const cursor = svgTag("rect", { class: "lc-cursor", y: top, width: column, height: height - top - 4 });
  const line = (kind) => svgTag("path", { class: `lc-line ${kind}` });
  const frame = (y, h, text) => [
    svgTag("rect", { class: "lc-ground", x: left, y, width: width - left - right, height: h }),
    svgTag("text", { x: left - 8, y: y + h / 2 + 4, "text-anchor": "end" }, text),
  ];
  const was = line("lc-before"),
    is = line("lc-after"),
    strips = Array.from({ length: Z }, (_, k) => {
      const y = top + high + gap + k * (low + gap);
      return { y, expected: svgTag("path", { class: "lc-band" }), sent: line("lc-sent") };
    });
  svg.append(
    ...frame(top, high, "x"),
    ...strips.flatMap(({ y }, k) => frame(y, low, `z${k + 1}`)),
    cursor,
    was,
    is,
    ...strips.flatMap(({ expected, sent }) => [expected, sent]),
  );
  const wave = (sound, most) =>
    Array.from(sound, (v, n) => {
      const y = top + (high / 2) * (1 - (0.94 * v) / most);
      return `${n ? "L" : "M"}${x((n + 0.5) / D).toFixed(1)} ${y.toFixed(1)}`;
    }).join("");

  // A press chooses a frame.
  pressable(svg, (at) => store.look(Math.floor((at * width - left) / column)));

  // The frame in view, and its dials.

  const step = stepRow("frame", T, store.look);
  const status = make("p", { class: "lc-say", role: "status" });
  const dials = Array.from({ length: Z }, (_, k) => {
    const label = `z${k + 1}`,
      [min, max] = range,
      write = (v) => store.turn(k, v);
    const slider = rangeSlider(`${label}, in deviations`, { min, max, step: 0.05 }, write),
      told = make("span", { class: "lc-told" });
    const field = numberField(label, {
      ...{ min, max, step: "any", range, write },
      read: () => store.deviations[store.step * Z + k],
      say: (text) => (status.textContent = text),
      rest: store.repaint,
    });
    const name = make("span", {}, make("i", {}, "z"), make("sub", {}, String(k + 1)));
    const el = make(
      "div",
      { class: "lc-dial" },
      make("div", { class: "lc-control" }, name, slider, field.el),
      told,
    );
    return { label, slider, field, told, el };
  });

  const button = (text, act, title) => pushButton(text, act, { title });
  const renewed = () => store.begin(store.deviations.map(() => normal(spec.farthest)));
  const level = (from) => store.set(store.deviations.map((v, at) => (at >= from * Z ? 0 : v)));
  const actions = [
    button("new messages", renewed, "draw all of them anew"),
    button("all as expected", () => level(0), "every dial to 0"),
    button("as expected from here on", () => level(store.step), "every dial to 0, from the frame in view on"),
    button("undo", () => store.set(store.drawn), "all dials back"),
  ];

  // How loud a stretch of sound is: the root of its mean square.
  const loud = (sound, t) =>
    Math.sqrt(sound.slice(t * D, (t + 1) * D).reduce((sum, v) => sum + v * v, 0) / D);
  const told = () => {
    const { step: t } = store,
      sound = store.sound(),
      changed = Array.from({ length: T }, (_, f) => f).filter((f) =>
        sound.slice(f * D, (f + 1) * D).some((v, n) => Math.abs(v - store.before[f * D + n]) > 0.005),
      );
    const differ = changed.length
      ? `${changed.length} of ${T} frames sound other than before, the first of them frame ${changed[0] + 1}.`
      : "All frames sound as before.";
    return `Frame ${t + 1} of ${T} has a loudness of ${shown(loud(sound, t))}; before, ${shown(loud(store.before, t))}. ${differ}`;
  };

  settle(root, store, {
    parts: [
      titleBar(titled(spec.title), link, () => store.begin(spec.deviations.flat())),
      make("div", { class: "lc-top lc-typing" }, ...actions),
      svg,
      make(
        "p",
        { class: "lc-told" },
        make("span", {}, make("i", { class: "lc-swatch lc-after" }), " now"),
        make("span", {}, make("i", { class: "lc-swatch lc-dashed lc-before" }), " before"),
        make("span", {}, make("i", { class: "lc-swatch lc-band" }), " expected, one deviation up and down"),
      ),
      step.el,
      make("div", { class: "lc-controls" }, ...dials.map((d) => d.el)),
      said,
      status,
      alt,
    ],
    link,
    back: () => false,
    paint() {
      const { step: t } = store,
        sound = store.sound(),
        most = Math.max(1, ...sound.map(Math.abs), ...store.before.map(Math.abs));
      put(was, "d", wave(store.before, most));
      put(is, "d", wave(sound, most));
      put(cursor, "x", x(t).toFixed(1));
      strips.forEach(({ y, expected, sent }, k) => {
        const all = Array.from({ length: T }, (_, f) => store.message(f, k)),
          far = Math.max(1, ...all.flatMap(({ mu, sigma, z }) => [Math.abs(z), Math.abs(mu) + sigma])),
          at = (v) => (y + (low / 2) * (1 - v / far)).toFixed(1);
        const bars = all.map(
          ({ mu, sigma }, f) =>
            `M${x(f).toFixed(1)} ${at(mu + sigma)}h${column.toFixed(1)}V${at(mu - sigma)}h${(-column).toFixed(1)}z`,
        );
        put(expected, "d", bars.join(""));
        put(
          sent,
          "d",
          all.map(({ z }, f) => `M${x(f + 0.1).toFixed(1)} ${at(z)}h${(0.8 * column).toFixed(1)}`).join(""),
        );
      });
      step.show(t, `frame ${t + 1} of ${T}`);
      dials.forEach(({ label, slider, field, told }, k) => {
        const v = store.deviations[t * Z + k],
          { mu, sigma, z } = store.message(t, k);
        turn(slider, v);
        write(told, `expected ${shown(mu)} ± ${shown(sigma)}, sent ${shown(z)}`);
        put(slider, "aria-valuetext", `${label}: ${shown(v)} deviations; ${told.textContent}`);
        field.show(hundredths(v));
      });
      write(said, told());
    },
    rest() {
      alt.textContent = `A wave of ${T} frames. ${said.textContent}`;
      put(svg, "aria-label", alt.textContent);
    },
  });
  put(svg, "aria-label", spec.title);
  store.flush();
}

const begin = (key, cell, spec) => enliven(key, () => newImagining(cell, spec), makeImagining);
