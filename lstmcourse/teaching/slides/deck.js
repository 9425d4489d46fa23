// Start the deck, and fit what is on each slide to a screen of 1280 by 720, which reveal.js scales to any other.

const root = document.documentElement,
  reduced = matchMedia("(prefers-reduced-motion: reduce)"),
  dark = matchMedia("(prefers-color-scheme: dark)");

const SMALLEST = 0.7, // what text may shrink to
  NARROWEST = 0.6, // a line of a program, a formula
  LARGEST = 1.18,
  LARGEST_LAB = 1.3, // it takes the whole width, and lays itself out
  LARGEST_PANEL = 1.4, // its picture gets no larger
  LARGEST_STILL = 2,
  SMALLEST_LAB = 0.8, // then it scrolls
  SMALLEST_STILL = 0.6;

function theme(name) {
  root.dataset.theme = name;
}

function wide(element) {
  return element.scrollWidth > element.clientWidth + 1;
}

function overflows(body) {
  const last = body.lastElementChild;
  if (!last) return false;
  return (
    last.offsetTop + last.offsetHeight > body.offsetTop + body.offsetHeight + 1 ||
    [...body.querySelectorAll(".live")].some(wide)
  );
}

// Chromium keeps the old size of a line with MathML in it when the font changes its size, till it is laid out anew.
function relaid(element) {
  element.style.display = "none";
  void element.offsetHeight;
  element.style.display = "";
}

// Text grows or shrinks until all of a slide is on it, a program's lines by themselves. What is alive takes the room
// that is left, and scrolls if it is larger.
function fit(section) {
  const frame = section.querySelector(".frame"),
    body = frame.querySelector(".body"),
    live = [...frame.querySelectorAll(".live")],
    set = (k, z) => {
      frame.style.setProperty("--k", k.toFixed(3));
      for (const one of live) one.firstElementChild.style.zoom = z.toFixed(3);
      for (const one of body.children) if (!one.matches(".live, .picture")) relaid(one);
    };
  for (const one of live) one.classList.remove("fitted");
  let k = frame.querySelector(".picture, .live") ? 1 : LARGEST,
    z = LARGEST_STILL,
    least = SMALLEST_STILL;
  if (frame.querySelector(".lc-lab")) [z, least] = [LARGEST_LAB, SMALLEST_LAB];
  if (frame.querySelector(".lc-panel")) z = LARGEST_PANEL;
  set(k, z);
  for (const one of frame.querySelectorAll(".code pre, .text pre, .formula")) {
    let w = 1;
    one.style.setProperty("--w", w);
    while (wide(one) && w > NARROWEST) one.style.setProperty("--w", (w -= 0.02).toFixed(2));
  }
  while (live.length && overflows(body) && z > least) set(k, (z -= 0.05));
  if (live.length && overflows(body)) set(k, (z = 1));
  for (const one of live) one.classList.add("fitted");
  while (overflows(body) && k > SMALLEST) set((k -= 0.03), z);
  for (const one of live) {
    if (one.scrollHeight <= one.clientHeight + 1) continue;
    one.tabIndex = 0;
    one.setAttribute("role", "region");
    one.setAttribute("aria-label", "laboratory");
  }
}

function fitAll() {
  for (const section of document.querySelectorAll(".slides > section")) fit(section);
  root.dataset.fitted = "yes";
}

theme(dark.matches ? "dark" : "light");
dark.addEventListener("change", () => theme(dark.matches ? "dark" : "light"));

await Reveal.initialize({
  width: 1280,
  height: 720,
  margin: 0,
  center: false,
  hash: true,
  hashOneBasedIndex: !/\breceiver\b/.test(location.search), // the speaker's view counts from 0
  respondToHashChanges: true,
  slideNumber: "c/t",
  controlsTutorial: false,
  navigationMode: "linear",
  transition: reduced.matches ? "none" : "fade",
  backgroundTransition: "none",
  viewDistance: 1000, // all of them have a size, so that they can be fitted
  mobileViewDistance: 1000,
  scrollActivationWidth: null,
  pdfSeparateFragments: false,
  plugins: [RevealNotes],
});
Reveal.addKeyBinding({ keyCode: 68, key: "D", description: "Dark or light" }, () =>
  theme(root.dataset.theme === "dark" ? "light" : "dark"),
);

await document.fonts.load('26px "Course Math"');
for (let k = 0; k < 3; k++) await new Promise(requestAnimationFrame); // till the font and the laboratories are there
fitAll();
Reveal.on("slidechanged", ({ currentSlide }) => currentSlide.querySelector(".live") && fit(currentSlide));

Reveal.on("overviewshown", () => Reveal.getCurrentSlide().scrollIntoView({ block: "center" }));

// One slide a page, as deck.css has it: what reveal.js makes of a deck in print is a running text.
const rules = document.getElementById("reveal").sheet;
for (let k = rules.cssRules.length - 1; k >= 0; k--)
  if (rules.cssRules[k].media?.mediaText === "print") rules.deleteRule(k);
let before;
addEventListener("beforeprint", () => {
  before = root.dataset.theme;
  theme("light");
});
addEventListener("afterprint", () => theme(before));
