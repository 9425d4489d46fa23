// What one presses, turns and types in, the same in every laboratory.

const pushButton = (text, act, attributes = {}) =>
  make("button", { type: "button", onclick: act, ...attributes }, text);

// The line above all: what this is, whether Python listens, what else belongs there, and the way back to the start.
const titleBar = (title, link, reset, ...more) =>
  make("div", { class: "lc-top" }, title, link, ...more, pushButton("reset", reset, { class: "lc-reset" }));
const titled = (text) => make("span", { class: "lc-title" }, text);

// A list to pick from, which then stands at its first line again.
function pickList(label, first, choices, picked) {
  const el = make(
    "select",
    { "aria-label": label },
    make("option", { value: "" }, first),
    ...choices.map(([value, text]) => make("option", { value }, text)),
  );
  el.addEventListener("change", () => {
    const value = el.value;
    el.value = "";
    if (value !== "") picked(value);
  });
  return el;
}

function rangeSlider(label, attributes, turned) {
  const el = make("input", { type: "range", "aria-label": label, ...attributes });
  el.addEventListener("input", () => turned(el.valueAsNumber));
  return el;
}

// A field for a number. What is none, or out of range, changes nothing, and is said.
function numberField(label, { range, read, write, say = () => {}, text = shown, rest, ...attributes }) {
  const [low, high] = range ?? [-Infinity, Infinity];
  const el = make("input", { type: "number", "aria-label": `${label}, as a number`, ...attributes });
  const needed = range ? `a number from ${text(low)} to ${text(high)}` : "a number";
  el.addEventListener("input", () => {
    const v = el.valueAsNumber,
      fits = v >= low && v <= high;
    put(el, "aria-invalid", !fits);
    say(fits ? "" : `${label}: ${needed} is needed; it stays at ${text(read())}.`);
    if (fits) write(v);
  });
  el.addEventListener("blur", () => (put(el, "aria-invalid", false), rest()));
  return { el, show: (v) => document.activeElement !== el && turn(el, v) };
}

// A button that lets time run, a step each `every` milliseconds, from the start again if it stands at the end.
function player({ at, last, go, every, words = ["▶", "❚❚"], begun = () => {}, changed }) {
  let timer = 0;
  const stop = () => {
    clearInterval(timer);
    timer = 0;
    changed();
  };
  const start = () => {
    if (at() === last()) go(0);
    timer = setInterval(() => (at() < last() ? go(at() + 1) : stop()), every);
    begun();
    changed();
  };
  const el = pushButton("", () => (timer ? stop() : start()), { class: "lc-play" });
  const paint = (there) => {
    write(el, words[timer ? 1 : 0]);
    put(el, "aria-label", timer ? "stop" : "play");
    if (timer && !there) stop();
  };
  return { el, stop, paint, running: () => timer !== 0 };
}

// A row to choose one of so many steps.
function stepRow(name, most, look) {
  const slider = rangeSlider(name, { min: 1, max: most, step: 1 }, (v) => look(v - 1)),
    now = make("span", { class: "lc-now" });
  return {
    el: make("div", { class: "lc-control lc-steps" }, make("span", {}, name), slider, now),
    show(step, text) {
      turn(slider, step + 1);
      write(now, `${step + 1} of ${most}`);
      put(slider, "aria-valuetext", text);
    },
  };
}

// A drawing that is a handle: `aim` hears where it is pressed, and where the pointer then goes, from 0 at the left to 1.
function pressable(svg, aim) {
  const at = (e) => {
    const box = svg.getBoundingClientRect();
    aim((e.clientX - box.left) / box.width);
  };
  svg.style.touchAction = "pan-y";
  svg.addEventListener("pointerdown", (e) => {
    if (e.button) return;
    svg.setPointerCapture(e.pointerId);
    at(e);
  });
  svg.addEventListener("pointermove", (e) => svg.hasPointerCapture(e.pointerId) && at(e));
}

// A sentence to type, or to pick. `read` takes the text, and whether the last one was at fault; it gives what is wrong
// with this one, if anything is.
function sentenceField(label, examples, read) {
  let fault = false;
  const field = make("input", {
    type: "text",
    class: "lc-sentence",
    spellcheck: "false",
    autocomplete: "off",
    "aria-label": label,
  });
  const typed = () => {
    fault = Boolean(read(field.value, fault));
    put(field, "aria-invalid", fault);
  };
  field.addEventListener("change", typed);
  field.addEventListener("keydown", (e) => e.key === "Enter" && typed());
  const brief = (text) => (text.length > 60 ? `${text.slice(0, 58)} …` : text);
  const pick = pickList(
    "or pick a sentence",
    "pick one",
    examples.map((text) => [text, brief(text)]),
    (text) => {
      field.value = text;
      typed();
    },
  );
  const show = (text) => document.activeElement !== field && !fault && turn(field, text);
  return { el: make("div", { class: "lc-top lc-typing" }, field, pick), show };
}
