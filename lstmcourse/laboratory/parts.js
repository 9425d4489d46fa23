// What pages are made of: numbers as text, who hears and paints what changes, elements, attributes.

// A number as it stands on the picture; Python's `number` writes it in the same way.
function shown(v) {
  const size = Math.abs(v);
  if (!Number.isFinite(v)) return Number.isNaN(v) ? "NaN" : v < 0 ? "−∞" : "∞";
  const text =
    size >= 99999.5
      ? v.toExponential(1).replace("e+", "e")
      : size >= 99.995
        ? v.toFixed(0)
        : size >= 0.005
          ? v.toFixed(2)
          : "0.00";
  return text.replace("-", "−");
}

// A number however small.
const small = (v) =>
  v !== 0 && Math.abs(v) < 0.005 ? v.toExponential(0).replace("e-", "e−").replace("e+", "e") : shown(v);

function count(shape) {
  return shape.reduce((n, k) => n * k, 1);
}

// Arrays as Python sends them: null stands for NaN.
function copied(arrays) {
  const pairs = Object.entries(arrays).map(([k, a]) => [
    k,
    { shape: [...a.shape], data: Float64Array.from(a.data, (v) => v ?? NaN) },
  ]);
  return Object.fromEntries(pairs);
}

const hundredths = (v) => Math.round(v * 100) / 100;
const within = (v, [low, high]) => Math.max(low, Math.min(high, v));

// A store that says when it has changed, to all but `from`, and is painted once a frame, after what is `first`.
function observed(store, first = () => {}) {
  const listeners = new Set(),
    painters = new Set();
  let waiting = false;
  store.listen = (f) => (listeners.add(f), () => listeners.delete(f));
  store.onPaint = (f) => painters.add(f);
  store.changed = (from) => {
    for (const f of listeners) if (f !== from) f(store);
    store.repaint();
  };
  store.repaint = () => {
    if (waiting) return;
    waiting = true;
    (globalThis.requestAnimationFrame ?? queueMicrotask)(store.flush);
  };
  store.flush = () => {
    waiting = false;
    first();
    for (const f of painters) f(store);
  };
  return store;
}

// An attribute, written only where it changes: most stay as they are while one drags.
function put(el, name, value) {
  if (el.getAttribute(name) !== String(value)) el.setAttribute(name, value);
}

// Text, likewise.
function write(el, text) {
  if (el.textContent !== text) el.textContent = text;
}

// What a control stands at, likewise.
function turn(control, value) {
  if (control.value !== String(value)) control.value = value;
}

// An element: what begins with on listens, html is what stands in it.
function make(tag, attributes = {}, ...children) {
  const el = document.createElement(tag);
  for (const [k, v] of Object.entries(attributes)) {
    if (k === "html") el.innerHTML = v;
    else if (k.startsWith("on")) el.addEventListener(k.slice(2), v);
    else if (v !== false && v !== null) el.setAttribute(k, v === true ? "" : v);
  }
  el.append(...children);
  return el;
}

// The same for a part of a drawing.
function svgTag(tag, attributes = {}, ...children) {
  const el = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [k, v] of Object.entries(attributes)) el.setAttribute(k, v);
  el.append(...children);
  return el;
}
