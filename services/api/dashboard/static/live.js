// One EventSource for all visible tabs of a browser: over HTTP/1.1 it opens six connections to us at most, and a seventh
// tab would not load. One tab holds a lock, has the stream and passes on to the others what it says. Events become DOM
// events `live:<topic>` on the body, which htmx triggers and charts listen for. A hidden tab takes no part; whenever a
// tab comes (back), everything on it is fetched anew, since what happened in between was missed.
"use strict";
(() => {
  const LONGEST_WAIT = 30000;
  const NAME = "supastate-live";
  const TOPICS = ["queues", "jobs", "dead_letters", "patterns", "operations"];
  const topics = [...new Set([...document.querySelectorAll("[data-live]")].flatMap((one) => one.dataset.live.split(" ")))].filter(Boolean);
  if (!topics.length || !window.EventSource) return;

  const banner = document.getElementById("connection");
  const channel = window.BroadcastChannel && navigator.locks ? new BroadcastChannel(NAME) : null;
  let source = null;
  let timer = 0;
  let failures = 0;
  let state = "";
  let leave = null;

  const announce = (topic) => document.body.dispatchEvent(new CustomEvent(`live:${topic}`));
  const show = (isConnected) => {
    banner.hidden = isConnected;
    document.documentElement.classList.toggle("stale", !isConnected);
  };
  // What the stream said, here or in the tab that has it.
  const hear = (said) => {
    if (said === "interrupted" || said === "disconnected") show(false);
    if (said === "connected") show(true);
    if (said === "connected" || said === "disconnected" || said === "resync") topics.forEach(announce);
    else if (topics.includes(said)) announce(said);
  };
  const say = (said) => {
    if (!TOPICS.includes(said) && said !== "resync") state = said;
    channel?.postMessage(said);
    hear(said);
  };

  const close = () => {
    clearTimeout(timer);
    source?.close();
    source = null;
  };
  const retry = () => {
    close();
    say("interrupted");
    // Jittered: after a restart a thousand browsers must not come back in the same second.
    const longest = Math.min(LONGEST_WAIT, 1000 * 2 ** failures++);
    timer = setTimeout(open, longest * (0.5 + Math.random() / 2));
  };
  const open = () => {
    close();
    source = new EventSource("/api/live");
    source.onopen = () => (failures = 0);
    source.onerror = retry;
    // The first event of each stream is one of these: whether the process hears of changes itself.
    for (const name of ["connected", "disconnected", "resync", ...TOPICS]) source.addEventListener(name, () => say(name));
  };

  const lead = () => {
    open();
    return new Promise((resolve) => {
      const follow = leave;
      leave = () => { follow(); close(); state = ""; resolve(); };
    });
  };
  const join = () => {
    if (document.hidden || leave) return;
    if (!channel) { leave = close; open(); return; }
    const waiting = new AbortController();
    leave = () => waiting.abort();
    navigator.locks.request(NAME, { signal: waiting.signal }, lead).catch(() => {}); // whoever leaves waits no longer
    channel.postMessage("hello");
  };
  const part = () => { leave?.(); leave = null; };
  channel?.addEventListener("message", ({ data }) => {
    if (!leave) return;
    if (data !== "hello") hear(data);
    else if (state) channel.postMessage(state);
  });

  document.addEventListener("visibilitychange", () => (document.hidden ? part() : join()));
  window.addEventListener("pagehide", part);
  window.addEventListener("pageshow", (event) => event.persisted && join());
  join();
})();
