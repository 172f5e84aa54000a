"use strict";
// The page's only script: sliders over the exact plans, and tables that sort. What it needs is in the
// page; names of models become text, never markup.
(() => {
  const RATES = [["Gbit/s", 1e9], ["Mbit/s", 1e6], ["kbit/s", 1e3], ["bit/s", 1]];
  const ALIAS = { Gbps: 1e9, Mbps: 1e6, kbps: 1e3, bps: 1 };

  // --- numbers as cutpoint prints them: three digits, best unit

  function significant(value) {
    const size = Math.abs(value);
    return value.toFixed(size === 0 || size >= 99.95 ? 0 : size >= 9.995 ? 1 : 2);
  }

  const threeDigits = (value) => significant(value).replace(/\.0+$/, "");

  function time(ms) {
    const us = ms * 1e3;
    if (us < 999.5) return significant(us) + " µs";
    return us < 999.5e3 ? significant(ms) + " ms" : significant(ms / 1e3) + " s";
  }

  function rateText(bits) {
    const [unit, factor] = RATES.find(([, factor]) => bits >= factor) || RATES[3];
    return (factor === 1 ? String(bits) : threeDigits(bits / factor)) + " " + unit;
  }

  // a rate as it is typed again, to the bit
  function exactRate(bits) {
    const [unit, factor] = RATES.find(([, factor]) => bits >= factor) || RATES[3];
    return bits / factor + " " + unit;
  }

  function readRate(text) {
    const [, number, unit] = /^\s*(\d+\.?\d*|\.\d+)\s*([A-Za-z/]+)\s*$/.exec(text) || [];
    const known = RATES.find(([name]) => name === unit);
    const factor = known ? known[1] : ALIAS[unit];
    return number && factor ? Math.round(Number(number) * factor) : null;
  }

  function readTime(text) {
    const [, number, unit] = /^\s*(\d+\.?\d*|\.\d+)\s*(ns|us|µs|ms|s)\s*$/.exec(text) || [];
    const ns = { ns: 1, us: 1e3, "µs": 1e3, ms: 1e6, s: 1e9 }[unit];
    return number ? Math.round(Number(number) * ns) : null;
  }

  // --- the cost model: a plan's parts at a rate and a delay

  function partsMs(times, bits, delay) {
    const perBit = 1e9 / bits;
    return [
      times.edge_ns,
      times.encode_ns,
      times.delays * delay + times.up_bits * perBit,
      times.decode_ns,
      times.server_ns,
      times.back_delays * delay + times.back_ns + times.back_bits * perBit,
    ].map((ns) => ns / 1e6);
  }

  // when the heads that the edge runs beside link and server are done
  const besideMs = (times) => (times.local_ns ? (times.edge_ns + times.encode_ns + times.local_ns) / 1e6 : 0);

  const latencyMs = (times, bits, delay) => Math.max(sum(partsMs(times, bits, delay)), besideMs(times));

  const doneMs = (task, times, parts) => (task.beside ? besideMs(times) : sum(parts.slice(0, task.parts)));

  const against = (ratio) => (Math.abs(ratio - 1) < 0.005 ? "the same" : threeDigits(ratio) + " times as long");

  const sum = (values) => values.reduce((all, value) => all + value, 0);

  // --- elements

  function make(tag, attributes, ...children) {
    const space = tag.startsWith("svg:") ? "http://www.w3.org/2000/svg" : "http://www.w3.org/1999/xhtml";
    const element = document.createElementNS(space, tag.replace("svg:", ""));
    for (const [name, value] of Object.entries(attributes || {})) element.setAttribute(name, value);
    element.append(...children);
    return element;
  }

  function fill(table, rows) {
    const body = rows.map(([first, ...rest]) =>
      make("tr", null, make("th", { scope: "row" }, ...[first].flat()),
        ...rest.map((cell) => make("td", null, cell))));
    table.tBodies[0].replaceChildren(...body);
    table.hidden = rows.length === 0;
  }

  // --- one explorer

  function explore(section) {
    const source = section.querySelector("script[type='application/json']");
    if (!source) return null;
    const data = JSON.parse(source.textContent);
    const find = (selector) => section.querySelector(selector);
    const [slider, entry, delay, hint] = ["input.rate", "input.entry", "input.delay", ".hint"].map(find);
    const steps = Number(slider.max);
    const span = Math.log(data.to_bit_s / data.from_bit_s);
    const state = { rate: data.rate_bit_s, row: data.delay };
    let announced = 0;

    const share = (bits) => (span > 0 ? Math.log(bits / data.from_bit_s) / span : 0);

    // the slider's positions are rates of three digits, but for both ends
    function rateOf(step) {
      if (step === 0) return data.from_bit_s;
      if (step === steps) return data.to_bit_s;
      const bits = data.from_bit_s * Math.exp((span * step) / steps);
      return Math.min(Math.max(Number(bits.toPrecision(3)), data.from_bit_s), data.to_bit_s);
    }

    const row = () => data.delays[state.row];

    // where the plan stands among those of this delay; -1 where none meets the limits
    const position = () => row().segments.findLastIndex((stretch) => stretch.from <= state.rate);

    const latency = (plan, bits) => latencyMs(plan.times, bits, row().ns);

    function show() {
      const at = position();
      const plan = at < 0 ? null : data.plans[row().segments[at].plan];
      const [rate, wait] = [rateText(state.rate), row().text];
      for (const [name, text] of [["rate", rate], ["delay", wait]]) {
        section.querySelectorAll(`[data-show='${name}']`).forEach((place) => (place.textContent = text));
      }
      slider.value = Math.round(share(state.rate) * steps);
      slider.setAttribute("aria-valuetext", rate);
      entry.value = exactRate(state.rate);
      delay.value = state.row;
      delay.setAttribute("aria-valuetext", wait + " one way");
      find("button.slower").disabled = at <= 0;
      find("button.faster").disabled = at + 1 >= row().segments.length;
      find(".answer").hidden = !plan;
      find(".no-plan").hidden = !!plan;
      section.dataset.plan = plan ? row().segments[at].plan : "none";
      if (plan) showPlan(plan);
      else showNone();
      curve(find(".curve"), data, row(), state.rate);
      announce(plan ? `${rate}, ${wait}: ${time(latency(plan, state.rate))}, ${plan.name}`
        : `${rate}, ${wait}: no plan meets the limits`);
    }

    function showNone() {
      const first = row().segments[0];
      find(".no-plan").textContent = `No plan meets the limits at ${rateText(state.rate)} and ${row().text} one way` +
        (first ? `; from ${rateText(first.from)} on there is one.` : ", nor at any other rate of this page.");
    }

    function showPlan(plan) {
      const parts = partsMs(plan.times, state.rate, row().ns);
      const all = latency(plan, state.rate);
      const output = find("output.latency");
      output.textContent = time(all);
      output.title = all.toFixed(6) + " ms";
      draw(find("figure.network"), data, plan, parts);
      find(".headline .name").textContent = plan.name;
      [...find(".bar").children].forEach((piece, i) => (piece.style.flexGrow = (parts[i] / all) * 100));
      const rows = parts.map((ms, i) => [[make("i", { class: data.parts[i][0] }), data.parts[i][1]], time(ms)]);
      if (plan.times.local_ns) rows.push(["heads overlapped with the transfer", time(plan.times.local_ns / 1e6)]);
      fill(find(".parts"), rows);
      fill(find(".tasks"), plan.tasks.map((task) =>
        [task.name, task.side, time(doneMs(task, plan.times, parts)), task.drop]));
      fill(find(".crossing"), plan.crossing);
      fill(find(".facts"), plan.facts.map((value, i) => [data.facts[i], value]));
      fill(find(".others"), data.others.map((other) => {
        const ms = latency(other, state.rate);
        return [other.name, time(ms), against(ms / all)];
      }));
    }

    // for screen readers, and in the address; not at every step of a slide
    function announce(text) {
      clearTimeout(announced);
      announced = setTimeout(() => {
        find(".live").textContent = text;
        const hash = "#rate=" + exactRate(state.rate).replace(" ", "") + "&delay=" + row().text.replace(" ", "");
        if (section.dataset.touched) history.replaceState(null, "", hash);
      }, 300);
    }

    function go(change, message) {
      Object.assign(state, change);
      hint.textContent = message || "";
      entry.removeAttribute("aria-invalid");
      show();
    }

    function touch(change, message) {
      section.dataset.touched = "yes";
      go(change, message);
    }

    function typed() {
      const bits = readRate(entry.value);
      if (!bits) {
        entry.setAttribute("aria-invalid", "true");
        hint.textContent = "Write a rate with its unit, such as 12.5 Mbit/s.";
        return;
      }
      const near = Math.min(Math.max(bits, data.from_bit_s), data.to_bit_s);
      touch({ rate: near }, near === bits ? "" : `This page knows the plans from ${rateText(data.from_bit_s)} to ${rateText(data.to_bit_s)}.`);
    }

    // keyboards and screen readers move the slider step by step: the text must be there at once
    slider.addEventListener("input", () => touch({ rate: rateOf(Number(slider.value)) }));
    delay.addEventListener("input", () => touch({ row: Number(delay.value) }));
    entry.addEventListener("change", typed);
    find("button.slower").addEventListener("click", () => touch({ rate: row().segments[position() - 1].from }));
    find("button.faster").addEventListener("click", () => touch({ rate: row().segments[position() + 1].from }));
    find("button.reset").addEventListener("click", () => touch({ rate: data.rate_bit_s, row: data.delay }));
    new ResizeObserver(() => curve(find(".curve"), data, row(), state.rate)).observe(find(".curve"));
    find(".controls").hidden = false;

    // the address may say #rate=20Mbit/s&delay=1ms
    return (wanted) => {
      const bits = wanted.rate === undefined ? state.rate : readRate(wanted.rate);
      const ns = wanted.delay === undefined ? row().ns : readTime(wanted.delay);
      if (!bits || ns === null) return go({}, "The address names no rate and delay with their units.");
      const rate = Math.min(Math.max(bits, data.from_bit_s), data.to_bit_s);
      const off = (i) => Math.abs(data.delays[i].ns - ns);
      const nearest = data.delays.reduce((best, _, i) => (off(i) < off(best) ? i : best), 0);
      go({ rate, row: nearest }, rate === bits && off(nearest) === 0 ? "" : "The nearest rate and delay that this page has plans for.");
    };
  }

  // --- best latency over the rate, the slider below as its axis

  const LEFT = 64, RIGHT = 16, TOP = 8, HEIGHT = 200, BOTTOM = 26;

  function curve(svg, data, row, rate) {
    const width = Math.max(svg.clientWidth, 280);
    const [from, to] = [Math.log10(data.from_bit_s), Math.log10(data.to_bit_s)];
    if (!(to > from)) return;
    const x = (bits) => LEFT + ((Math.log10(bits) - from) / (to - from)) * (width - LEFT - RIGHT);
    const best = row.segments.map((stretch, i) => ({
      plan: data.plans[stretch.plan],
      from: stretch.from,
      to: i + 1 < row.segments.length ? row.segments[i + 1].from : data.to_bit_s,
    }));
    const ms = (times, bits) => Math.max(latencyMs(times, bits, row.ns), 1e-9);
    const ends = best.flatMap(({ plan, from, to }) => [ms(plan.times, from), ms(plan.times, to)]);
    const others = data.others.map(({ times }) => ms(times, data.to_bit_s));
    const low = Math.log10(Math.min(...ends, ...others)) - 0.1;
    const high = Math.max(Math.log10(Math.max(...ends.length ? ends : others)) + 0.2, low + 0.5);
    const bottom = HEIGHT - BOTTOM;
    const y = (value) => TOP + Math.max((high - Math.log10(value)) / (high - low), 0) * (bottom - TOP);
    const line = (times, from, to, type) => {
      const points = [];
      const count = Math.max(2, Math.ceil((x(to) - x(from)) / 6));
      for (let i = 0; i <= count; i++) {
        const bits = from * (to / from) ** (i / count);
        const value = ms(times, bits);
        if (Math.log10(value) <= high) points.push(x(bits).toFixed(1) + "," + y(value).toFixed(1));
      }
      return make("svg:polyline", { class: type, points: points.join(" ") });
    };
    const text = (type, at, anchor, words) =>
      make("svg:text", { class: type, x: at[0], y: at[1], "text-anchor": anchor }, words);
    const drawn = [];
    let splits = 0;
    for (const { plan, from, to } of best) {
      const side = plan.side === "split" ? "split-" + "ab"[splits++ % 2] : "on-" + plan.side;
      drawn.push(make("svg:rect", { class: side, x: x(from), y: TOP, width: x(to) - x(from), height: bottom - TOP },
        make("svg:title", null, `${plan.name}\n${rateText(from)} to ${rateText(to)}`)));
    }
    if (best.length === 0 || best[0].from > data.from_bit_s) {
      const end = best.length ? best[0].from : data.to_bit_s;
      drawn.push(text("muted", [(x(data.from_bit_s) + x(end)) / 2, HEIGHT / 2], "middle", "no plan"));
    }
    for (let power = Math.ceil(low - 1); power <= high; power++) {
      for (const step of high - low < 1.5 ? [1, 2, 5] : [1]) {
        const value = step * 10 ** power;
        if (Math.log10(value) < low || Math.log10(value) > high) continue;
        drawn.push(make("svg:line", { class: "grid", x1: LEFT, x2: width - RIGHT, y1: y(value), y2: y(value) }));
        drawn.push(text("muted", [LEFT - 8, y(value) + 4], "end", time(value).replace(/\.0+ /, " ")));
      }
    }
    const every = width < 560 ? 2 : 1;
    for (let power = Math.ceil(from); power <= to; power++) {
      const at = x(10 ** power);
      drawn.push(make("svg:line", { class: "axis", x1: at, x2: at, y1: bottom, y2: bottom + 4 }));
      if ((power - Math.ceil(from)) % every) continue;
      const anchor = at > width - 40 ? "end" : "middle";
      drawn.push(text("muted", [anchor === "end" ? width : at, bottom + 18], anchor, rateText(10 ** power)));
    }
    const named = ["all-edge", "all-server"];
    data.others.slice(0, 2).forEach(({ times }, i) =>
      drawn.push(line(times, data.from_bit_s, data.to_bit_s, named[i])));
    for (const { plan, from, to } of best) drawn.push(line(plan.times, from, to, "envelope"));
    for (const { plan, from } of best.slice(1)) {
      drawn.push(make("svg:circle", { class: "switch", cx: x(from), cy: y(ms(plan.times, from)), r: 3.5 }));
    }
    drawn.push(make("svg:line", { class: "here", x1: x(rate), x2: x(rate), y1: TOP, y2: bottom }));
    const now = best.findLast((stretch) => stretch.from <= rate);
    if (now) drawn.push(make("svg:circle", { class: "here", cx: x(rate), cy: y(ms(now.plan.times, rate)), r: 5 }));
    svg.setAttribute("viewBox", `0 0 ${width} ${HEIGHT}`);
    svg.replaceChildren(...drawn);
  }

  // --- the cut on the network's graph

  // the network's blocks and links take their plan's classes; what is written about them follows
  function draw(figure, data, plan, parts) {
    const svg = figure && figure.querySelector("svg");
    if (!svg) return;
    const find = (name) => svg.getElementById(`${figure.id}-${name}`);
    const { sides, flows, labels } = plan.cut;
    svg.querySelectorAll("text.strong, line.leader, text.cut-label").forEach((old) => old.remove());
    sides.forEach((side, i) => {
      const block = find(`block-${i}`);
      if (!block) return;
      block.setAttribute("class", side);
      const { edge_us, server_us, tasks } = data.blocks[i];
      const ready = tasks.map((task) => doneMs(plan.tasks[task], plan.times, parts));
      const ms = ready.length ? Math.max(...ready) : (side === "at-server" ? server_us : edge_us) / 1e3;
      const line = block.querySelector("text.tiny");
      // it ends with a time; that of inputs with a size, which does not change
      if (line) line.textContent = line.textContent.replace(/[\d.]+ (µs|ms|s)$/, time(ms));
    });
    const sent = new Map(labels);
    flows.forEach((flow, i) => {
      const link = find(`link-${i}`);
      if (!link) return;
      link.setAttribute("class", flow);
      const tip = link.querySelector("title");
      if (tip) tip.textContent = tip.textContent.split("\nsent: ")[0] + (sent.has(i) ? "\nsent: " + sent.get(i) : "");
      if (!sent.has(i)) return;
      // on the middle of a long link, above the blocks beside a short one
      const at = link.getPointAtLength(link.getTotalLength() / 2);
      const label = make("svg:text", { class: "cut-label", x: at.x, y: at.y + 4, "text-anchor": "middle" }, sent.get(i));
      svg.append(label);
      const box = find("block-0").getBBox();
      if (link.getTotalLength() < label.getComputedTextLength()) label.setAttribute("y", at.y - box.height / 2 - 4);
    });
  }

  // --- tables that sort: a button in each heading, the third press restores the order

  function sortable(table) {
    const body = table.tBodies[0];
    const original = [...body.rows];
    const headings = [...table.tHead.rows[0].cells];
    headings.forEach((heading, column) => {
      const button = make("button", { type: "button" }, heading.textContent);
      heading.replaceChildren(button);
      heading.setAttribute("aria-sort", "none");
      button.addEventListener("click", () => {
        const next = { none: "ascending", ascending: "descending", descending: "none" };
        const order = next[heading.getAttribute("aria-sort")];
        headings.forEach((other) => other.setAttribute("aria-sort", "none"));
        heading.setAttribute("aria-sort", order);
        const sign = order === "descending" ? -1 : 1;
        const rows = [...original];
        if (order !== "none") rows.sort((a, b) => sign * compare(a.cells[column], b.cells[column]));
        body.replaceChildren(...rows);
      });
    });
  }

  // numbers before texts, by value; texts as people count
  function compare(a, b) {
    const [one, other] = [a.dataset.sort, b.dataset.sort];
    if (one !== undefined && other !== undefined) return Number(one) - Number(other);
    if (one !== undefined || other !== undefined) return one === undefined ? 1 : -1;
    return a.textContent.localeCompare(b.textContent, "en", { numeric: true });
  }

  // --- start

  document.documentElement.classList.add("scripted");
  const explorers = [...document.querySelectorAll("section.explorer")].map(explore).filter(Boolean);
  document.querySelectorAll("table.sortable").forEach(sortable);
  function follow() {
    const wanted = Object.fromEntries(new URLSearchParams(location.hash.slice(1)));
    const asks = "rate" in wanted || "delay" in wanted;
    explorers.forEach((go) => go(asks ? wanted : {}));
  }
  addEventListener("hashchange", () => /[#&](rate|delay)=/.test(location.hash) && follow());
  follow();
})();
