// Themes, keys, dialogs, times, errors. Everything a page needs works without it, but less comfortably.
"use strict";
(() => {
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];

  // Morphing must not untick what a person ticked, close what they opened, or eat what they type.
  if (window.Idiomorph) {
    Idiomorph.defaults.ignoreActiveValue = true;
    Idiomorph.defaults.callbacks.beforeAttributeUpdated = (name) => name !== "checked" && name !== "open";
  }

  // Times in the reader's zone and language.
  const full = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
  const clock = new Intl.DateTimeFormat(undefined, { timeStyle: "medium" });
  const day = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
  const units = [["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];
  const relative = new Intl.RelativeTimeFormat(undefined, { numeric: "always", style: "short" });
  const ago = (moment) => {
    const seconds = Math.max(0, (Date.now() - moment) / 1000);
    const [unit, size] = units.find(([, length]) => seconds >= length) || ["second", 1];
    return relative.format(-Math.floor(seconds / size), unit);
  };
  const localise = (root) => {
    for (const time of all("time[datetime]", root)) {
      const moment = new Date(time.dateTime);
      const isToday = moment.toDateString() === new Date().toDateString();
      const style = time.dataset.style;
      time.title = full.format(moment);
      time.textContent = style === "ago" ? ago(moment) : style === "clock" && isToday ? clock.format(moment) : day.format(moment);
    }
  };

  // Theme: as the system, light, dark.
  const toggle = document.querySelector("[data-theme-toggle]");
  const showTheme = () => {
    const chosen = document.documentElement.dataset.theme;
    toggle?.setAttribute("aria-label", `Theme: ${chosen || "as the system"}`);
    toggle?.setAttribute("title", `Theme: ${chosen || "as the system"}`);
    document.dispatchEvent(new CustomEvent("theme"));
  };
  toggle?.addEventListener("click", () => {
    const root = document.documentElement;
    const next = { undefined: "light", light: "dark", dark: "" }[root.dataset.theme];
    if (next) root.dataset.theme = next; else delete root.dataset.theme;
    if (next) localStorage.setItem("theme", next); else localStorage.removeItem("theme");
    showTheme();
  });

  // Dialogs, and forms that are sent once.
  const open = (id) => document.getElementById(id)?.showModal();
  document.addEventListener("click", (event) => {
    const target = event.target.closest?.("[data-opens], [data-closes], dialog");
    if (!target) return;
    if (target.dataset.opens) open(target.dataset.opens);
    else if ("closes" in target.dataset) target.closest("dialog").close();
    else if (event.target === target && target.open) target.close(); // the backdrop
  });
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if ("clean" in form.dataset) for (const field of form.elements) field.disabled ||= Boolean(field.name) && !field.value;
    if (!("once" in form.dataset)) return;
    if (form.dataset.sent) event.preventDefault();
    form.dataset.sent = "yes";
  });
  window.addEventListener("pageshow", () => {
    for (const form of all("form[data-once]")) delete form.dataset.sent;
    for (const form of all("form[data-clean]")) for (const field of form.elements) field.disabled = false;
  });
  document.addEventListener("change", (event) => {
    if ("submits" in event.target.dataset) event.target.form.requestSubmit();
  });
  const holdBack = (input) => {
    const button = input.form?.querySelector("button[type=submit]");
    if (button) button.disabled = input.value.trim() !== input.dataset.expects;
  };
  document.addEventListener("input", (event) => {
    if (event.target.dataset?.expects) holdBack(event.target);
  });

  // Keys: g and a letter, /, ?, j, k.
  let isGoing = 0;
  const isTyping = (target) => target.closest?.("input, textarea, select, [contenteditable]");
  const step = (by) => {
    const rows = all("[data-row]");
    const next = rows[rows.indexOf(document.activeElement) + by] || (by > 0 ? rows[0] : rows.at(-1));
    next?.focus();
  };
  const search = () => {
    const field = document.querySelector("[data-quick-search], main form.filters input[type=search]");
    field?.focus();
    return field;
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target) || document.querySelector("dialog[open]")) return;
    if (Date.now() - isGoing < 1500) {
      isGoing = 0;
      const link = document.querySelector(`nav.pages a[data-key="${CSS.escape(event.key)}"]`);
      if (link) { event.preventDefault(); link.click(); }
    } else if (event.key === "g") isGoing = Date.now();
    else if (event.key === "/" && search()) event.preventDefault();
    else if (event.key === "?") open("help");
    else if (event.key === "j") step(1);
    else if (event.key === "k") step(-1);
  });

  // What went wrong with a request of htmx.
  const complain = (text) => {
    const region = document.getElementById("problems");
    if (region) { region.textContent = text; region.hidden = !text; }
  };
  document.addEventListener("htmx:responseError", (event) => {
    const answer = new DOMParser().parseFromString(event.detail.xhr.responseText, "text/html");
    complain(answer.body.textContent.trim().replace(/\s+/g, " ").slice(0, 600) || "This did not work; load the page again.");
  });
  document.addEventListener("htmx:sendError", () => complain("The server does not answer. Nothing was changed; try again in some seconds."));
  document.addEventListener("htmx:beforeSwap", (event) => { if (!event.detail.isError) complain(""); });
  document.addEventListener("htmx:afterSwap", (event) => {
    const time = document.querySelector("#as-of time");
    const read = event.detail.xhr?.getResponseHeader("X-As-Of");
    if (time && read) time.dateTime = read;
    localise(document);
  });

  localise(document);
  showTheme();
  all("[data-expects]").forEach(holdBack);
  setInterval(() => localise(document), 15000);
})();
