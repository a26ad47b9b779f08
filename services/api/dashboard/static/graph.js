// Draws #graph with Cytoscape from JSON. Places follow from the data alone, so an address always looks the same.
// Labels and evidence are text, never markup; what it shows stands in the table as well.
"use strict";
(() => {
  const box = document.getElementById("graph");
  if (!box || !window.cytoscape) return;
  const MOST = 300; // nodes on the screen: more cannot be read
  const RING = 30; // neighbours on one circle
  const words = JSON.parse(box.dataset.words);
  const note = document.getElementById("graph-note");
  const panel = document.getElementById("evidence");
  const table = document.getElementById("neighbours");
  const slider = document.getElementById("time");
  const shapes = { memory: "ellipse", code: "round-rectangle", pattern: "diamond", project: "hexagon", session: "triangle", more: "ellipse" };
  const tones = { memory: "--chart-1", code: "--chart-2", pattern: "--chart-3", project: "--chart-4", session: "--chart-5", more: "--muted" };
  const day = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
  const calm = matchMedia("(prefers-reduced-motion: reduce)");

  // A canvas knows no variables and no light-dark(): an element resolves them.
  const probe = document.body.appendChild(document.createElement("i"));
  probe.hidden = true;
  const colour = (name) => {
    probe.style.color = `var(${name})`;
    return getComputedStyle(probe).color;
  };
  const style = () => [
    { selector: "node", style: {
      label: "data(label)", shape: "data(shape)", width: 22, height: 22, "background-color": (node) => colour(tones[node.data("kind")]),
      color: colour("--text"), "font-size": 10, "text-wrap": "ellipsis", "text-max-width": 120, "text-valign": "bottom", "text-margin-y": 4,
      "text-background-color": colour("--surface"), "text-background-opacity": 0.8 } },
    { selector: "node.centre", style: { width: 34, height: 34, "border-width": 3, "border-color": colour("--text") } },
    { selector: "node[kind = 'more']", style: { "background-opacity": 0, "border-width": 1.5, "border-style": "dashed", "border-color": colour("--muted") } },
    { selector: "node:selected", style: { "border-width": 3, "border-color": colour("--accent") } },
    { selector: "edge", style: { width: 1.2, "line-color": colour("--line-strong"), "curve-style": "straight", label: "" } },
    { selector: "edge:selected, edge.near", style: { "line-color": colour("--accent"), label: "data(label)", "font-size": 9, color: colour("--text"), "text-background-color": colour("--surface"), "text-background-opacity": 0.9 } },
    { selector: ".late", style: { display: "none" } },
  ];
  const graph = cytoscape({ container: box, style: style(), layout: { name: "preset" }, minZoom: 0.2, maxZoom: 3 });
  const key = (node) => `${node.kind}:${node.id}`;
  const path = (node) => `${node.kind}/${encodeURIComponent(node.id)}`;

  // On circles around their centre, ties of one kind side by side.
  const places = (middle, count, inner) => [...Array(count).keys()].map((number) => {
    const ring = Math.floor(number / RING);
    const own = Math.min(RING, count - ring * RING);
    const angle = (2 * Math.PI * (number % RING)) / own + ring * 0.1 - Math.PI / 2;
    const radius = inner + ring * 90;
    return { x: middle.x + radius * Math.cos(angle) * 1.5, y: middle.y + radius * Math.sin(angle) };
  });
  const element = (node, position, extra = {}) => ({
    group: "nodes", position, ...extra,
    data: { id: key(node), kind: node.kind, shape: shapes[node.kind], label: node.title.slice(0, 60), node, at: node.at ? Date.parse(node.at) : null },
  });
  const add = (answer, middle, inner) => {
    const centre = key(answer.centre);
    if (graph.getElementById(centre).empty()) graph.add(element(answer.centre, middle, { classes: "centre" }));
    const fresh = answer.neighbours.filter((one) => graph.getElementById(key(one.node)).empty());
    const room = Math.max(0, MOST - graph.nodes().length);
    const more = answer.counts.filter((one) => one.more > 0);
    const spots = places(middle, Math.min(fresh.length, room) + more.length, inner);
    for (const one of fresh.slice(0, room)) {
      if (graph.getElementById(key(one.node)).empty()) graph.add(element(one.node, spots.shift()));
    }
    for (const one of answer.neighbours) {
      const target = key(one.node);
      const id = `${centre}|${one.edge}|${target}`;
      if (graph.getElementById(target).empty() || graph.getElementById(id).nonempty()) continue;
      graph.add({ group: "edges", data: { id, source: centre, target, label: words[one.edge] || one.edge, methods: one.methods } });
    }
    for (const one of more) {
      const id = `${centre}|more|${one.edge}`;
      if (graph.getElementById(id).nonempty()) continue;
      const label = `+${one.more.toLocaleString()}${one.isAtLeast ? "+" : ""} more`;
      graph.add({ group: "nodes", position: spots.shift(), data: { id, kind: "more", shape: shapes.more, label, edge: one.edge } });
      graph.add({ group: "edges", data: { id: `${id}|`, source: centre, target: id, label: words[one.edge] } });
    }
    return fresh.length > room;
  };

  const tag = (name, text, attributes = {}) => {
    const made = Object.assign(document.createElement(name), attributes);
    made.textContent = text;
    return made;
  };
  const link = (text, href) => tag("a", text, { href, className: "button" });
  const whole = (node) => (node.kind === "memory" || node.kind === "code" ? `/dashboard/search/${path(node)}` : null);
  const show = (chosen) => {
    graph.edges().removeClass("near");
    chosen.connectedEdges().addClass("near");
    const node = chosen.data("node");
    if (!node) {
      panel.replaceChildren(tag("h2", chosen.data("label")), tag("p", `${words[chosen.data("edge")]}: narrow the time or the ties above to see them.`));
      return;
    }
    const ties = chosen.connectedEdges().map((edge) => tag("li", `${edge.data("label")}${(edge.data("methods") || []).map((one) => ` · ${one.replace("_", " ")}`).join("")}`));
    const list = document.createElement("ul");
    list.append(...ties.slice(0, 12));
    const actions = tag("p", "", { className: "actions" });
    if (whole(node)) actions.append(link("Show it whole", whole(node)));
    actions.append(link("Go there", `/dashboard/graph/${path(node)}`));
    const expand = tag("button", "Show its neighbours", { type: "button" });
    expand.addEventListener("click", () => grow(chosen));
    actions.append(expand);
    const when = node.at ? ` · ${day.format(new Date(node.at))}` : "";
    panel.replaceChildren(tag("h2", node.title), tag("p", `${node.kind}${when}`, { className: "muted small" }), tag("p", node.excerpt), list, actions);
  };
  const row = (one, from) => {
    const cells = [`${from}: ${words[one.edge]}`, one.node.kind, "", one.methods.join("; ") || "–", one.node.at ? day.format(new Date(one.node.at)) : "–", ""];
    const made = document.createElement("tr");
    made.dataset.node = key(one.node);
    if (one.node.at) made.dataset.at = one.node.at;
    made.append(...cells.map((text) => tag("td", text)));
    const there = `/dashboard/graph/${path(one.node)}`;
    made.cells[2].append(tag("a", one.node.title, { href: whole(one.node) || there }));
    made.cells[5].append(tag("a", "Go there", { href: there }));
    return made;
  };

  const load = async (url) => {
    const answer = await fetch(url, { headers: { Accept: "application/json" } });
    if (!answer.ok) throw new Error(String(answer.status));
    return answer.json();
  };
  const grow = async (chosen) => {
    try {
      const before = new Set(graph.nodes().map((node) => node.id()));
      const answer = await load(`/dashboard/graph/data/${path(chosen.data("node"))}`);
      const isFull = add(answer, chosen.position(), 70);
      table?.append(...answer.neighbours.filter((one) => !before.has(key(one.node)) && graph.getElementById(key(one.node)).nonempty()).map((one) => row(one, answer.centre.title.slice(0, 40))));
      note.textContent = isFull ? `No more than ${MOST} nodes are drawn; go there to see the rest.` : `${graph.nodes().length} nodes`;
      retime();
      show(chosen);
      fit();
    } catch { note.textContent = "Its neighbours could not be read; try again."; }
  };

  // The slider hides what happened later, in the picture and in the table.
  let times = [];
  const retime = () => {
    times = [...new Set(graph.nodes().map((node) => node.data("at")).filter(Boolean))].sort((one, other) => one - other);
    slider.max = Math.max(0, times.length - 1);
    slider.value = slider.max;
    slider.closest("label").hidden = times.length < 2;
    hide();
  };
  const hide = () => {
    const until = times[Number(slider.value)] ?? Infinity;
    const text = Number.isFinite(until) ? day.format(new Date(until)) : "";
    document.getElementById("shown-until").textContent = text;
    slider.setAttribute("aria-valuetext", text);
    for (const node of graph.nodes().not(".centre")) node.toggleClass("late", (node.data("at") || 0) > until);
    for (const line of table?.rows || []) line.hidden = line.dataset.at ? Date.parse(line.dataset.at) > until : false;
  };
  slider.addEventListener("input", hide);

  const fit = () => graph.animate({ fit: { padding: 30 } }, { duration: calm.matches ? 0 : 200 });
  graph.on("tap", "node", (event) => show(event.target));
  const repaint = () => graph.style(style());
  document.addEventListener("theme", repaint);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", repaint);

  load(box.dataset.url).then((answer) => {
    add(answer, { x: 0, y: 0 }, 170);
    graph.fit(undefined, 30);
    retime();
    box.dataset.ready = "yes";
  }).catch(() => { note.textContent = "The picture could not be read; the table below is complete."; });
  box.graph = graph;
})();
