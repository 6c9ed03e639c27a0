"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const PER_PAGE = 100;
  const COLORS = data.colors;
  const $ = (id) => document.getElementById(id);
  const rows = data.recordings;
  rows.forEach((row, number) => { row.number = number; });

  // Labels by recording and segment, e.g. "3" and "3/0"; kept in this browser.
  const STORE = `avser-labels-${data.id}`;
  let labels = {};
  try { labels = JSON.parse(localStorage.getItem(STORE)) || {}; } catch { /* No storage: kept until the page closes. */ }
  const keyOf = (row, segment) => (segment === undefined ? `${row.number}` : `${row.number}/${segment}`);
  function setLabel(row, segment, emotion) {
    const key = keyOf(row, segment);
    if (emotion) labels[key] = emotion; else delete labels[key];
    try { localStorage.setItem(STORE, JSON.stringify(labels)); } catch { /* See above. */ }
    showLabelCount();
  }

  function make(tag, settings = {}, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(settings)) {
      if (name === "text") element.textContent = value;
      else if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
      else element.setAttribute(name, value);
    }
    element.append(...children);
    return element;
  }

  function clock(seconds) {
    const whole = Math.floor(seconds);
    const parts = [Math.floor(whole / 60) % 60, whole % 60].map((x) => `${x}`.padStart(2, "0"));
    const hours = Math.floor(whole / 3600);
    return (hours ? `${hours}:` : "") + parts.join(":");
  }
  // Black or white, whichever stands out more.
  function inkOn(color) {
    const [red, green, blue] = [1, 3, 5].map((at) => (parseInt(color.slice(at, at + 2), 16) / 255) ** 2.2);
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.18 ? "#000" : "#fff";
  }
  const percent = (share) => `${Math.round(100 * share)}%`;

  // Overview

  function spans(row) {
    if (row.segments.length) return row.segments.map((s) => [s.emotion, s.end - s.start]);
    return row.emotion ? [[row.emotion, row.speech || row.seconds || 1]] : [];
  }

  function showOverview() {
    const by = new Map(data.emotions.map((emotion) => [emotion, 0]));
    rows.flatMap(spans).forEach(([emotion, time]) => by.set(emotion, (by.get(emotion) || 0) + time));
    const judged = [...by.values()].reduce((a, b) => a + b, 0);
    const whole = judged || 1;
    const answered = rows.filter((row) => row.emotion);
    const sure = answered.map((row) => row.confidence).sort((a, b) => a - b);
    const count = (state) => rows.filter((row) => row.state === state).length;
    const totals = [
      ["recordings", rows.length],
      ["length", clock(rows.reduce((sum, row) => sum + (row.seconds || 0), 0))],
      ["judged", clock(judged)],
      ["median confidence", sure.length ? sure[Math.floor(sure.length / 2)].toFixed(2) : "–"],
      ["uncertain", answered.filter((row) => row.uncertain).length],
      ["without voice", count("no voice")],
      ["failed", count("failed")],
      ["labelled by me", 0],
    ];
    $("totals").replaceChildren(...totals.map(([name, value]) =>
      make("div", {}, make("dt", { text: name }), make("dd", { text: value, id: `total-${name.replaceAll(" ", "-")}` }))));
    const shares = [...by].map(([emotion, time]) => [emotion, time / whole]);
    for (const [name, members] of Object.entries(data.categories)) {
      shares.push([name, members.reduce((sum, emotion) => sum + (by.get(emotion) || 0), 0) / whole]);
    }
    $("shares").replaceChildren(...shares.flatMap(([name, share]) => [
      make("span", { text: name }),
      make("meter", { value: share, min: 0, max: 1, "aria-label": `${name}: ${percent(share)} of the time` }),
      make("span", { text: percent(share) }),
    ]));
    showLabelCount();
  }

  function showLabelCount() {
    const count = Object.keys(labels).length;
    const place = $("total-labelled-by-me");
    if (place) place.textContent = count;
    $("save").disabled = !count;
    $("save").textContent = count ? `Save labels (${count})` : "Save labels";
  }

  // Table: filter, sort, pages

  let order = { key: "", down: false };
  let page = 0;
  let shown = rows;
  let opened = null;

  const folderOf = (row) => row.file.slice(0, Math.max(0, row.file.lastIndexOf("/")));

  function fill(select, values) {
    $(select).replaceChildren(make("option", { value: "", text: "all" }), ...values.map((x) => make("option", { value: x, text: x })));
  }

  function fillFilters() {
    fill("emotion", data.emotions);
    fill("folder", [...new Set(rows.map(folderOf))].filter(Boolean).sort());
    const speakers = [...new Set(rows.map((row) => row.speaker).filter(Boolean))].sort();
    fill("speaker", speakers);
    $("speaker-field").hidden = !speakers.length;
    document.querySelectorAll(".speaker-column").forEach((cell) => { cell.hidden = !speakers.length; });
  }

  function wanted(row) {
    const text = $("search").value.trim().toLowerCase();
    const state = $("state").value;
    return (!text || row.file.toLowerCase().includes(text) || (row.text || "").toLowerCase().includes(text))
      && (!$("emotion").value || row.emotion === $("emotion").value)
      && (!$("folder").value || folderOf(row) === $("folder").value)
      && (!$("speaker").value || row.speaker === $("speaker").value)
      && (!state || row.state === state || (state === "uncertain" && row.uncertain)
        || (state === "unlabelled" && !labels[keyOf(row)]));
  }

  const valueOf = (row, key) => (key === "label" ? labels[keyOf(row)] || "" : row[key] ?? "");

  function update() {
    shown = rows.filter(wanted);
    if (order.key) {
      const sign = order.down ? -1 : 1;
      shown.sort((a, b) => {
        const [x, y] = [valueOf(a, order.key), valueOf(b, order.key)];
        return sign * (typeof x === "number" && typeof y === "number" ? x - y : `${x}`.localeCompare(`${y}`)) || a.number - b.number;
      });
    }
    page = 0;
    opened = null;
    draw();
  }

  function draw() {
    const pages = Math.max(1, Math.ceil(shown.length / PER_PAGE));
    const first = page * PER_PAGE;
    const part = shown.slice(first, first + PER_PAGE);
    $("rows").replaceChildren(...part.flatMap((row) => (row === opened ? [rowOf(row), detailOf(row)] : [rowOf(row)])));
    $("count").textContent = `${shown.length} of ${rows.length} recordings`;
    $("page").textContent = `page ${page + 1} of ${pages}`;
    $("previous").disabled = page === 0;
    $("next").disabled = page >= pages - 1;
    const first_row = $("rows").querySelector("tr.row");
    if (first_row) first_row.tabIndex = 0;
  }

  function labelSelect(row, segment, name) {
    const current = labels[keyOf(row, segment)] || "";
    const known = data.emotions.includes(current) || !current ? data.emotions : [...data.emotions, current];
    const select = make("select", { "aria-label": name, onchange: () => {
      let value = select.value;
      if (value === "…") value = (prompt("Which emotion?") || "").trim().toLowerCase();
      setLabel(row, segment, value);
      select.replaceWith(labelSelect(row, segment, name));
    } }, make("option", { value: "", text: "–" }), ...known.map((x) => make("option", { value: x, text: x })), make("option", { value: "…", text: "other…" }));
    select.value = current;
    return select;
  }

  function answerOf(row) {
    if (!row.emotion) return [make("span", { class: "soft", text: row.state === "failed" ? `failed: ${row.reason}` : "no voice" })];
    return [row.emotion, ...(row.uncertain ? [make("span", { class: "mark", text: " ?", title: "uncertain" }), make("span", { class: "soft", text: " uncertain" })] : [])];
  }

  function rowOf(row) {
    const open = make("button", { type: "button", text: row === opened ? "▾" : "▸", "aria-expanded": `${row === opened}`,
      "aria-label": `${row === opened ? "Close" : "Open"} ${row.file}`, onclick: () => toggle(row) });
    const speaker = make("td", { text: row.speaker || "", class: "speaker-column" });
    speaker.hidden = $("speaker-field").hidden;
    const element = make("tr", { class: "row", tabindex: "-1", "data-number": row.number, onkeydown: (event) => onKey(event, row) },
      make("td", { class: "file" }, open, ` ${row.file}`), speaker, make("td", {}, ...answerOf(row)),
      make("td", { class: "wide", text: row.category || "" }),
      make("td", { class: "number", text: row.emotion ? row.confidence.toFixed(2) : "" }),
      make("td", { class: "number wide", text: row.seconds ? clock(row.seconds) : "" }),
      make("td", {}, labelSelect(row, undefined, `My label for ${row.file}`)));
    return element;
  }

  function focusRow(number) {
    const element = $("rows").querySelector(`tr[data-number="${number}"]`);
    if (element) element.focus();
  }

  function toggle(row) {
    opened = opened === row ? null : row;
    draw();
    focusRow(row.number);
  }

  function onKey(event, row) {
    if (event.target.tagName !== "TR") return;
    const all = [...$("rows").querySelectorAll("tr.row")];
    const at = all.indexOf(event.target);
    if (event.key === "ArrowDown" && all[at + 1]) all[at + 1].focus();
    else if (event.key === "ArrowUp" && all[at - 1]) all[at - 1].focus();
    else if (event.key === "Enter") toggle(row);
    else if (event.key === " ") { if (opened !== row) toggle(row); playPause(); }
    else if (/^[0-9]$/.test(event.key) && Number(event.key) <= data.emotions.length) {
      setLabel(row, undefined, event.key === "0" ? "" : data.emotions[Number(event.key) - 1]);
      const select = event.target.querySelector("select");
      select.replaceWith(labelSelect(row, undefined, `My label for ${row.file}`));
    } else return;
    event.preventDefault();
  }

  // Details: spectrogram, track, probabilities, player

  let until = null;
  const player = () => document.querySelector("audio");
  function playPause() {
    const audio = player();
    if (audio) { until = null; if (audio.paused) audio.play().catch(() => {}); else audio.pause(); }
  }
  function playFrom(start, end) {
    const audio = player();
    if (!audio) return;
    until = end;
    audio.currentTime = start;
    audio.play().catch(() => {});
  }

  function trackOf(row) {
    const track = make("div", { class: "track" });
    row.segments.forEach((segment) => {
      const width = 100 * (segment.end - segment.start) / row.seconds;
      const button = make("button", { type: "button", text: segment.emotion, class: segment.uncertain ? "uncertain" : "",
        "aria-label": `${clock(segment.start)} to ${clock(segment.end)}: ${segment.emotion}, ${segment.confidence.toFixed(2)}; play`,
        title: `${clock(segment.start)}–${clock(segment.end)} ${segment.emotion} ${segment.confidence.toFixed(2)}`,
        onclick: () => playFrom(segment.start, segment.end) });
      Object.assign(button.style, { left: `${100 * segment.start / row.seconds}%`, width: `${width}%`, background: COLORS[segment.emotion] || "#bbb", color: inkOn(COLORS[segment.emotion] || "#bbbbbb") });
      track.append(button);
    });
    return track;
  }

  function linesOf(row) {
    const space = "http://www.w3.org/2000/svg";
    const svg = document.createElementNS(space, "svg");
    svg.setAttribute("class", "lines");
    svg.setAttribute("viewBox", "0 0 1000 100");
    svg.setAttribute("preserveAspectRatio", "none");
    svg.setAttribute("role", "img");
    svg.setAttribute("aria-label", "Probability of each emotion over time");
    data.emotions.forEach((emotion, number) => {
      const line = document.createElementNS(space, "polyline");
      const points = row.segments.flatMap((s) => [s.start, s.end].map((t) => `${1000 * t / row.seconds},${98 - 96 * s.probabilities[number]}`));
      line.setAttribute("points", points.join(" "));
      line.setAttribute("fill", "none");
      line.setAttribute("stroke", COLORS[emotion] || "#888");
      line.setAttribute("stroke-width", "2");
      line.setAttribute("stroke-dasharray", ["", "8 3", "3 3", "10 3 2 3"][number % 4]);
      line.setAttribute("vector-effect", "non-scaling-stroke");
      svg.append(line);
    });
    return svg;
  }

  function legend() {
    return make("p", { class: "legend" }, ...data.emotions.map((emotion) => {
      const box = make("b");
      box.style.background = COLORS[emotion] || "#bbb";
      return make("span", {}, box, emotion);
    }));
  }

  function segmentTable(row) {
    const body = row.segments.map((segment, number) => make("tr", {},
      make("td", {}, make("button", { type: "button", text: `▶ ${clock(segment.start)}–${clock(segment.end)}`, onclick: () => playFrom(segment.start, segment.end) })),
      make("td", { text: segment.speaker || "" }),
      make("td", { text: segment.emotion + (segment.uncertain ? " ? uncertain" : "") }),
      make("td", { class: "number", text: segment.confidence.toFixed(2) }),
      make("td", {}, labelSelect(row, number, `My label for ${clock(segment.start)}`))));
    const head = ["Segment", "Speaker", "Emotion", "Confidence", "My label"].map((text) => make("th", { scope: "col", text }));
    return make("div", { class: "segments" }, make("table", {}, make("thead", {}, make("tr", {}, ...head)), make("tbody", {}, ...body)));
  }

  function detailOf(row) {
    const cell = make("td", { colspan: "7" });
    const cursor = make("i");
    if (row.picture) {
      const image = make("img", { src: `data:image/webp;base64,${row.picture}`, alt: `Spectrogram of ${row.file}` });
      const view = make("div", { class: "view", onclick: (event) => {
        const box = view.getBoundingClientRect();
        playFrom(row.seconds * (event.clientX - box.left) / box.width, null);
      } }, image, cursor);
      cell.append(view);
    }
    if (row.segments.length) cell.append(trackOf(row), linesOf(row), legend());
    else if (row.emotion) {
      cell.append(make("div", { class: "bars" }, ...data.emotions.flatMap((emotion, number) => [
        make("span", { text: emotion }),
        make("meter", { value: row.probabilities[number], min: 0, max: 1, "aria-label": `${emotion}: ${percent(row.probabilities[number])}` }),
        make("span", { text: percent(row.probabilities[number]) })])));
    }
    if (row.sound) {
      const audio = make("audio", { controls: "", preload: "metadata", src: row.sound, "aria-label": row.file });
      audio.addEventListener("timeupdate", () => {
        if (until !== null && audio.currentTime >= until) { audio.pause(); until = null; }
        cursor.style.left = `${100 * audio.currentTime / row.seconds}%`;
      });
      audio.addEventListener("error", () => audio.replaceWith(make("p", { class: "soft", text: `This browser cannot play ${row.file}, or it is not where it was.` })));
      cell.append(audio);
    }
    if (row.segments.length > 1) cell.append(segmentTable(row));
    if (!cell.childNodes.length) cell.append(make("p", { text: row.reason || "Nothing to show." }));
    return make("tr", { class: "detail" }, cell);
  }

  // Labels as a CSV that avser reads

  function cellOf(value) {
    const text = `${value ?? ""}`;
    return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  }

  function saveLabels() {
    const lines = [["file", "emotion", "speaker", "start", "end"]];
    for (const [key, emotion] of Object.entries(labels)) {
      const [number, segment] = key.split("/").map(Number);
      const row = rows[number];
      if (!row) continue;
      const part = segment === undefined ? null : row.segments[segment];
      lines.push([row.place, emotion, (part && part.speaker) || row.speaker, part && part.start, part && part.end]);
    }
    const text = `${lines.map((line) => line.map(cellOf).join(",")).join("\r\n")}\r\n`;
    const link = make("a", { href: URL.createObjectURL(new Blob([text], { type: "text/csv" })), download: "labels.csv" });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  }

  document.querySelectorAll("th[data-key]").forEach((head) => head.querySelector("button").addEventListener("click", () => {
    const key = head.dataset.key;
    order = { key, down: order.key === key && !order.down };
    document.querySelectorAll("th[data-key]").forEach((other) => other.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", order.down ? "descending" : "ascending");
    update();
  }));
  $("filters").addEventListener("input", update);
  $("filters").addEventListener("reset", () => setTimeout(update));
  $("filters").addEventListener("submit", (event) => event.preventDefault());
  $("previous").addEventListener("click", () => { page -= 1; draw(); });
  $("next").addEventListener("click", () => { page += 1; draw(); });
  $("save").addEventListener("click", saveLabels);
  fillFilters();
  showOverview();
  update();
})();
