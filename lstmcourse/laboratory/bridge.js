// Between a laboratory in the page and Python: a widget that is never displayed, so a page lives without it.
// One model for each key, the newest. Python's values win when the two meet.

const LABS = Symbol.for("lstmcourse.labs"),
  BRIDGES = Symbol.for("lstmcourse.bridges");

function initialize({ model }) {
  const labs = (globalThis[LABS] ??= new Map()),
    bridges = (globalThis[BRIDGES] ??= new Map()),
    key = model.get("key");
  bridges.get(key)?.();
  let store = null,
    unlisten = null,
    timer = 0,
    patience = 0,
    mine = null,
    count = 0;

  const send = () => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      mine = { ...store.told(), count: ++count };
      model.set("told", mine);
      model.save_changes();
      patience ||= setTimeout(() => store?.connected?.(""), 4000); // nobody answers
    }, 40);
  };
  const answered = () => {
    clearTimeout(patience);
    patience = 0;
    store?.connected?.("connected to Python");
  };
  const take = () => model.get("told") !== mine && store?.take(model.get("told"), send);
  function meet() {
    const found = labs.get(key);
    if (!found || found === store) return;
    unlisten?.();
    store = found;
    take();
    unlisten = store.listen(send);
    send(); // whether somebody answers
  }
  const here = (e) => e.detail.key === key && meet();
  document.addEventListener("lstmcourse:lab", here);
  model.on("change:told", take);
  model.on("change:heard", answered);
  meet();

  function off() {
    clearTimeout(timer);
    clearTimeout(patience);
    document.removeEventListener("lstmcourse:lab", here);
    model.off("change:told", take);
    model.off("change:heard", answered);
    unlisten?.();
    store?.connected?.("");
    if (bridges.get(key) === off) bridges.delete(key);
  }
  bridges.set(key, off);
  model.on("comm:close", off);
  model.on("destroy", off);
  return off;
}

export default { initialize, render() {} };
