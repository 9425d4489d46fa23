// Through time: the input, which one draws; every equation as a line; a step to look at; spans over which one holds.

function timelineView(box, store, { hover, choose, say }) {
  const { spec, units } = store,
    updates = [],
    quietly = [];
  let span = null; // what the brush has marked: { name, first, last }

  // The step

  const look = (step) => store.look({ step });
  const slider = rangeSlider("step", { min: 1, step: 1, class: "lc-step" }, (v) => look(v - 1));
  const told = make("output", { class: "lc-now" });
  const play = player({
    at: () => store.step,
    last: () => store.steps - 1,
    go: look,
    every: 450,
    changed: () => store.look({}),
  });
  updates.push(() => {
    put(slider, "max", store.steps);
    turn(slider, store.step + 1);
    slider.style.setProperty("--lc-steps", store.steps);
    put(slider, "aria-valuetext", `step ${store.step + 1} of ${store.steps}`);
    write(told, `step ${store.step + 1}`);
    play.paint(box.isConnected);
  });
  box.append(play.el, make("div", { class: "lc-track" }, slider), told);

  // A row: its name, its picture, its number now. What the picture is made of stays; what is drawn changes.

  function row(key, label, lines, range) {
    const plot = svgTag("svg", { preserveAspectRatio: "none", class: "lc-plot" }),
      now = make("output", { class: "lc-now" });
    const name = make("button", {
      type: "button",
      class: "lc-name",
      html: label,
      "aria-label": `explain ${spec.words[key].said}`,
      onclick: () => choose(key),
    });
    const frame = make("div", { class: "lc-frame", "data-row": key }, plot);
    const cursor = svgTag("rect", { class: "lc-cursor", y: 0, width: 1, height: 1 }),
      zero = svgTag("path", { class: "lc-zero" });
    plot.append(cursor, zero, ...lines.map((line) => line.el));
    frame.addEventListener("pointerenter", () => hover(key));
    box.append(name, frame, now);
    updates.push(() => {
      const [low, high] = range(),
        y = (v) => Math.round(600 + (8800 * (high - v)) / (high - low)) / 1e4;
      put(plot, "viewBox", `0 0 ${store.steps} 1`);
      put(cursor, "x", store.step);
      put(zero, "d", low < 0 && high > 0 ? `M0 ${y(0)}H${store.steps}` : "");
      for (const line of lines) put(line.el, "d", line.d(y));
      write(now, shown(store.read(key)));
      put(frame, "data-low", shown(low));
      put(frame, "data-high", shown(high));
    });
    return { frame, plot };
  }
  const stepAt = (e, frame) => {
    const { left, width } = frame.getBoundingClientRect();
    return Math.max(0, Math.min(store.steps - 1, Math.floor(((e.clientX - left) / width) * store.steps)));
  };

  // The input

  for (const name of spec.inputs) {
    const range = () => {
      const most = Math.max(1, ...Array.from(store.values[name].data, Math.abs));
      return [-most, most];
    };
    const bar = (v, t, y) => (v ? `M${t + 0.12} ${y(0)}V${y(v)}H${t + 0.88}V${y(0)}z` : "");
    const bars = {
      el: svgTag("path", { class: "lc-bar" }),
      d: (y) => Array.from(store.values[name].data, (v, t) => bar(v, t, y)).join(""),
    };
    const { frame } = row(name, spec.words[name].left, [bars], range);
    frame.tabIndex = 0;
    frame.classList.add("lc-draw");
    const label = () => `${spec.words[name].said}, at step ${store.step + 1}`;
    const inHand = movable(frame, {
      label,
      read: () => store.read(name),
      range: () => [-1, 1],
      write: (v) => store.move(name, v),
    });
    updates.push(inHand);
    frame.addEventListener("keydown", (e) => {
      const by = { ArrowRight: 1, ArrowLeft: -1 }[e.key];
      if (!by) return;
      store.look({ step: store.step + by });
      e.preventDefault();
    });
    // Drawing: the pointer's height is the number at the step below it.
    let drawing = false;
    const put = (e) => {
      const { top, height } = frame.getBoundingClientRect(),
        most = drawing;
      const v = most * (1 - (2 * ((e.clientY - top) / height - 0.06)) / 0.88);
      const t = stepAt(e, frame);
      store.look({ step: t });
      store.put(
        name,
        t,
        Math.abs(v) < 0.08 * most ? 0 : Math.round(Math.max(-most, Math.min(most, v)) * 20) / 20,
      );
    };
    frame.addEventListener(
      "pointerdown",
      (e) => {
        e.stopImmediatePropagation();
        if (e.button) return;
        drawing = range()[1];
        frame.setPointerCapture(e.pointerId);
        put(e);
      },
      { capture: true },
    );
    frame.addEventListener("pointermove", (e) => drawing && put(e));
    frame.addEventListener("lostpointercapture", () => (drawing = false));
  }

  // The equations

  for (const { key, hue, range } of spec.rows) {
    const many = Math.min(count(spec.holdable[key]), units),
      hold = (t) => store.heldAt(key, t);
    const bounds = () => {
      if (range) return range;
      let most = 0;
      for (let u = 0; u < many; u++)
        for (const v of store.series(key, u)) if (Number.isFinite(v)) most = Math.max(most, Math.abs(v));
      const nice = most <= 1 ? 1 : Math.ceil(most * 2) / 2;
      return [-nice, nice];
    };
    const steps = () => Array.from({ length: store.steps }, (_, t) => t);
    const block = (from, to) => `M${from} 0H${to}V1H${from}z`;
    const line = (kind, d) => ({
      el: svgTag("path", { class: kind, style: `--lc-hue:var(--lc-${hue})` }),
      d,
    });
    const curve = (y, unit) =>
      store
        .series(key, unit)
        .map((v, t) => `${t ? "L" : "M"}${t + 0.5} ${y(v)}`)
        .join("");
    const others = (y) =>
      Array.from({ length: many }, (_, u) => (u === store.unit ? "" : curve(y, u))).join("");
    const { frame, plot } = row(
      key,
      spec.words[key].left,
      [
        line("lc-holds", () =>
          steps()
            .filter(hold)
            .map((t) => block(t, t + 1))
            .join(""),
        ),
        line("lc-span", () => (span?.name === key ? block(span.first, span.last + 1) : "")),
        line("lc-line lc-other", others),
        line("lc-line", (y) => curve(y, store.unit)),
        line("lc-dot-now", (y) => `M${store.step + 0.5} ${y(store.read(key))}h0`),
      ],
      bounds,
    );
    plot.setAttribute("role", "img");
    plot.setAttribute("aria-label", `${spec.words[key].said} over time`);
    quietly.push(() => {
      const values = store.series(key),
        held = steps().filter(hold).length;
      put(
        plot,
        "aria-label",
        `${spec.words[key].said} over ${store.steps} steps: from ${shown(Math.min(...values))} to ${shown(Math.max(...values))}; at step ${store.step + 1}: ${shown(store.read(key))}${held ? `; held at ${held} steps` : ""}`,
      );
    });
    let begun = null;
    frame.addEventListener("pointerdown", (e) => {
      if (e.button) return;
      begun = stepAt(e, frame);
      frame.setPointerCapture(e.pointerId);
      store.look({ step: begun });
    });
    frame.addEventListener("pointermove", (e) => {
      if (begun === null || !(key in spec.holdable)) return;
      const at = stepAt(e, frame);
      if (at === begun && span?.name !== key) return;
      mark(key, Math.min(at, begun), Math.max(at, begun));
    });
    frame.addEventListener("lostpointercapture", () => (begun = null));
    frame.style.touchAction = "pan-y";
  }

  // Holding a span

  const holding = holdView(store, {
    say,
    marked: (s) => (span = s),
    gate: (name) => spec.rows.find((r) => r.key === name)?.gate,
  });
  const mark = holding.mark;
  updates.push(holding.paint);
  if (Object.keys(spec.holdable).length) box.append(holding.el);

  // Typing the input

  for (const name of spec.inputs) {
    const field = make("input", {
      type: "text",
      class: "lc-typed",
      spellcheck: "false",
      "aria-label": `${spec.words[name].said} at every step, numbers with spaces between`,
    });
    const read = () => {
      const parts = field.value
          .trim()
          .split(/[\s,;]+/)
          .filter(Boolean),
        numbers = parts.map((p) => Number(p.replace("−", "-")));
      const wrong = parts.find((_, k) => !Number.isFinite(numbers[k]));
      const bad =
        wrong !== undefined
          ? `"${wrong}" is no number.`
          : !parts.length
            ? "A sequence needs at least one number."
            : parts.length > spec.longest
              ? `${parts.length} steps are too many: at most ${spec.longest} fit here.`
              : "";
      field.setAttribute("aria-invalid", Boolean(bad));
      if (bad) return say(`${bad} The input stays as it was.`);
      say("");
      store.sequence(name, numbers);
    };
    field.addEventListener("change", read);
    field.addEventListener("keydown", (e) => e.key === "Enter" && read());
    updates.push(() => {
      if (document.activeElement !== field) {
        turn(field, Array.from(store.values[name].data, (v) => Math.round(v * 1000) / 1000).join(" "));
        put(field, "aria-invalid", false);
      }
    });
    box.append(
      make("span", { class: "lc-name", html: spec.words[name].left.replace(/<sub>.*?<\/sub>/, "") }),
      make("label", { class: "lc-wide" }, field),
    );
  }

  return {
    paint: () => updates.forEach((f) => f()),
    say: () => quietly.forEach((f) => f()), // for those who cannot see it, when the hand rests
    clear: () => (span = null),
  };
}
