// Every weight, bias and start by itself: a slider, and a field to type in.

function controlsView(box, store) {
  const { spec } = store,
    updates = [];
  for (const [title, names] of spec.groups) {
    const rows = names.flatMap((name) => {
      const shape = store.values[name].shape,
        tail = spec.starts.includes(name) ? shape.slice(1) : shape;
      return Array.from({ length: count(shape) }, (_, at) => one(name, at, indices(tail, at)));
    });
    box.append(make("fieldset", {}, make("legend", { html: title }), ...rows));
  }

  // Where an element stands, counted from 1; axes of one element go without saying.
  function indices(shape, at) {
    const found = [];
    for (const n of [...shape].reverse()) {
      if (n > 1) found.unshift((at % n) + 1);
      at = Math.floor(at / n);
    }
    return found.length ? `[${found.join(",")}]` : "";
  }
  function one(name, at, index) {
    const start = spec.starts.includes(name),
      word = spec.words[start ? `${name}@prev` : name];
    const said = `${start ? `${name}, before the first step` : word.said}${index && ` ${index}`}`;
    const [low, high] = spec.ranges[name] ?? [-4, 4];
    const slider = make("input", { type: "range", min: low, max: high, step: 0.05, "aria-label": said });
    const field = make("input", { type: "number", step: 0.1, "aria-label": `${said}, as a number` });
    slider.addEventListener("input", () => store.put(name, at, slider.valueAsNumber));
    field.addEventListener("input", () => {
      const fits = Number.isFinite(field.valueAsNumber);
      field.setAttribute("aria-invalid", !fits);
      if (fits) store.put(name, at, field.valueAsNumber);
    });
    field.addEventListener("blur", () => (field.setAttribute("aria-invalid", false), store.look({})));
    updates.push(() => {
      const v = store.values[name].data[at];
      turn(slider, v);
      put(slider, "aria-valuetext", `${said}: ${shown(v)}`);
      if (document.activeElement !== field) turn(field, Math.round(v * 1e4) / 1e4);
    });
    return make(
      "div",
      { class: "lc-control" },
      make("span", {
        html:
          (start ? word.left.replace(/<sub>.*?<\/sub>/, "<sub>0</sub>") : word.left) +
          (index && `<small>${index}</small>`),
      }),
      slider,
      field,
    );
  }
  return { paint: () => updates.forEach((f) => f()) };
}
