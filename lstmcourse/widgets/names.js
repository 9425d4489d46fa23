// The handle of an ipywidgets slider has the role of a slider, but no name. Give it the text of its label.

function name(panel) {
  for (const slider of panel.querySelectorAll(".widget-slider")) {
    const label = slider.querySelector(".widget-label");
    const text = slider.title || label?.title || label?.textContent;
    const handle = slider.querySelector("[role=slider]:not([aria-label])");
    const readout = slider.querySelector(".widget-readout:not([aria-label])");
    if (text && handle) handle.setAttribute("aria-label", text);
    if (text && readout) {
      readout.setAttribute("role", "textbox");
      readout.setAttribute("aria-label", `${text}, as a number`);
    }
  }
}

function render({ el }) {
  el.style.display = "none";
  let ended = false;
  let observer;
  function start() {
    const panel = el.closest(".lc-panel");
    if (ended) return;
    if (!panel) return void requestAnimationFrame(start); // not yet on the page
    name(panel);
    observer = new MutationObserver(() => name(panel));
    observer.observe(panel, { childList: true, subtree: true });
  }
  start();
  return () => {
    ended = true;
    observer?.disconnect();
  };
}

export default { render };
