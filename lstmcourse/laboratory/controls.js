// Every weight, bias and start by itself: a slider, and a field to type in.

function controlsView(box, store, say) {
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
    const read = () => store.values[name].data[at],
      write = (v) => store.put(name, at, v);
    const slider = rangeSlider(said, { min: low, max: high, step: 0.05 }, write);
    const field = numberField(said, { step: 0.1, read, write, say, rest: () => store.look({}) });
    updates.push(() => {
      const v = read();
      turn(slider, v);
      put(slider, "aria-valuetext", `${said}: ${shown(v)}`);
      field.show(Math.round(v * 1e4) / 1e4);
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
      field.el,
    );
  }
  return { paint: () => updates.forEach((f) => f()) };
}
