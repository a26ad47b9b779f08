// One EventSource a tab for all that is live on the page. Events become DOM events `live:<topic>` on the body, which
// htmx triggers and charts listen for. A hidden tab has no stream; on every opening everything is fetched anew, since
// what happened in between was missed.
"use strict";
(() => {
  const LONGEST_WAIT = 30000;
  const topics = [...new Set([...document.querySelectorAll("[data-live]")].flatMap((one) => one.dataset.live.split(" ")))].filter(Boolean).sort();
  if (!topics.length || !window.EventSource) return;

  const banner = document.getElementById("connection");
  let source = null;
  let timer = 0;
  let failures = 0;

  const announce = (topic) => document.body.dispatchEvent(new CustomEvent(`live:${topic}`));
  const refetch = () => topics.forEach(announce);
  const show = (isConnected) => {
    banner.hidden = isConnected;
    document.documentElement.classList.toggle("stale", !isConnected);
  };

  const close = () => {
    clearTimeout(timer);
    source?.close();
    source = null;
  };
  const retry = () => {
    close();
    show(false);
    // Jittered: after a restart a thousand tabs must not come back in the same second.
    const longest = Math.min(LONGEST_WAIT, 1000 * 2 ** failures++);
    timer = setTimeout(open, longest * (0.5 + Math.random() / 2));
  };
  const open = () => {
    close();
    if (document.hidden) return;
    source = new EventSource(`/api/live?topics=${topics.join(",")}`);
    source.onopen = () => (failures = 0);
    source.onerror = retry;
    source.addEventListener("resync", refetch);
    // The first event of each stream is one of these: whether the process hears of changes itself.
    for (const state of ["connected", "disconnected"]) {
      source.addEventListener(state, () => {
        show(state === "connected");
        refetch();
      });
    }
    for (const topic of topics) source.addEventListener(topic, () => announce(topic));
  };

  document.addEventListener("visibilitychange", () => (document.hidden ? close() : open()));
  window.addEventListener("pagehide", close);
  window.addEventListener("pageshow", (event) => event.persisted && open());
  open();
})();
