// The cart in the page: it moves, and it can be pushed, by buttons and by the arrow keys.

const PUSH = 7, LASTS = 5, SECONDS = 0.02; // newtons, steps, of a step
const row = (...numbers) => ({ shape: [1, numbers.length], data: Float64Array.from(numbers) });
const PIXELS = 110; // a metre

function element(tag, attributes, ...inside) {
  const e = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) e.setAttribute(name, value);
  e.append(...inside);
  return e;
}

function balance(root, cell, spec) {
  root.dataset.alive = "yes";
  const part = (name) => root.querySelector(`[data-part="${name}"]`);
  const said = element("span", { class: "lc-said", "aria-live": "polite" });
  const counted = element("span", { class: "lc-count" });
  const button = (label, title) => element("button", { type: "button", title }, label);
  const play = button("Play", "Space"), again = button("Start again", "R");
  const left = button("\u2190 Push", "Left arrow"), right = button("Push \u2192", "Right arrow");
  const memory = element("input", { type: "checkbox", checked: "" });
  root.append(
    element("div", { class: "lc-row" }, play, again, left, right, element("label", {}, memory, " with its memory"), counted),
    element("div", { class: "lc-row" }, said),
  );
  let state, step, pushes, recent, fallen, running = false, last = 0;

  const nothing = () => row(...Array(spec.units).fill(0));

  function restart() {
    state = { position: row(0.2), speed: row(0), angle: row(0.05), spin: row(0), h: nothing() };
    step = 0;
    pushes = [];
    recent = []; // the last four steps: what is read from the state is a mean over them
    fallen = false;
    said.textContent = "";
    draw(0);
  }

  function move() {
    const push = pushes.shift() ?? 0;
    if (!memory.checked) state.h = nothing();
    const force = { shape: [1, 1, 1], data: Float64Array.of(push) };
    const found = cell.run({ params: spec.params, push: force, state });
    for (const name of Object.keys(state)) state[name] = row(...found[name].data);
    step += 1;
    const at = (name) => state[name].data[0];
    draw(push);
    if (Math.abs(at("position")) >= spec.limits[0] || Math.abs(at("angle")) >= spec.limits[1]) {
      fallen = true;
      stop();
      said.textContent = `It fell after ${step} steps, ${(step * SECONDS).toFixed(1)} seconds.`;
    }
  }

  function draw(push) {
    const at = (name) => state[name].data[0];
    part("cart").setAttribute("transform", `translate(${(PIXELS * at("position")).toFixed(2)} 0)`);
    part("pole").setAttribute("transform", `rotate(${((at("angle") * 180) / Math.PI).toFixed(2)})`);
    part("pushed").setAttribute("visibility", push ? "visible" : "hidden");
    part("pushed").setAttribute("transform", push < 0 ? "scale(-1 1)" : "");
    const h = state.h.data;
    recent = [...recent.slice(-3), { h, spin: at("spin") }];
    const mean = (f) => recent.reduce((sum, r) => sum + f(r), 0) / recent.length;
    const read = step && spec.probe.reduce((sum, w, k) => sum + w * (k < spec.units ? mean((r) => r.h[k]) : 1), 0);
    for (const [name, value] of [["true", mean((r) => r.spin)], ["read", read]]) bar(part(name), value / spec.fastest);
    h.forEach((value, k) => bar(part(`h${k}`), value));
    counted.textContent = `step ${step}`;
  }

  function bar(rect, share) {
    const length = 70 * Math.max(-1, Math.min(1, share));
    rect.setAttribute("x", Math.min(0, length).toFixed(2));
    rect.setAttribute("width", Math.abs(length).toFixed(2));
  }

  function frame(now) {
    if (!running || !root.isConnected) return;
    for (let k = 0; now - last >= 1000 * SECONDS && running; k++) {
      last = k < 10 ? last + 1000 * SECONDS : now; // after a pause of the page it goes on, not after
      move();
    }
    requestAnimationFrame(frame);
  }

  function start() {
    if (fallen) restart();
    running = true;
    play.textContent = "Pause";
    last = performance.now();
    requestAnimationFrame(frame);
  }

  function stop() {
    running = false;
    play.textContent = "Play";
  }

  function push(way) {
    if (!running) start();
    pushes = Array(LASTS).fill(way * PUSH);
  }

  const keys = {
    ArrowLeft: () => push(-1), ArrowRight: () => push(1), r: restart,
    " ": () => (running ? stop() : start()),
  };
  play.addEventListener("click", keys[" "]);
  again.addEventListener("click", restart);
  left.addEventListener("click", keys.ArrowLeft);
  right.addEventListener("click", keys.ArrowRight);
  memory.addEventListener("change", () => { if (!running) start(); });
  root.setAttribute("data-lm-suppress-shortcuts", "true");
  root.addEventListener("keydown", (e) => {
    if (e.key === "Tab" || e.ctrlKey || e.metaKey || e.altKey) return;
    e.stopPropagation();
    if (e.key === "Escape") document.activeElement?.blur?.();
    const own = e.target.matches("button, input") && e.key === " "; // the browser presses it
    if (!own && e.key in keys) {
      e.preventDefault();
      keys[e.key]();
    }
  });
  restart();
}

for (const root of document.querySelectorAll(`.lc-cart[data-key="${spec.key}"]:not([data-alive])`)) balance(root, cell, spec);
