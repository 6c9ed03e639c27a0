"use strict";
(() => {
  const { data, rows, $, make, clock, percent, bars, probabilities, answer, playFrom } = avser;
  const COLORS = data.colors;

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

  // Black or white, whichever stands out more.
  function inkOn(color) {
    const [red, green, blue] = [1, 3, 5].map((at) => (parseInt(color.slice(at, at + 2), 16) / 255) ** 2.2);
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.18 ? "#000" : "#fff";
  }

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
    $("shares").replaceChildren(...bars(shares, " of the time"));
    showLabelCount();
  }

  function showLabelCount() {
    const count = Object.keys(labels).length;
    const place = $("total-labelled-by-me");
    if (place) place.textContent = count;
    $("save").disabled = !count;
    $("save").textContent = count ? `Save labels (${count})` : "Save labels";
  }

  // Table

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

  const rowSelect = (row) => labelSelect(row, undefined, `My label for ${row.file}`);

  function wanted(row) {
    const state = $("state").value;
    return !state || row.state === state || (state === "uncertain" && row.uncertain)
      || (state === "unlabelled" && !labels[keyOf(row)]);
  }

  function labelByDigit(event, row) {
    if (!/^[0-9]$/.test(event.key) || Number(event.key) > data.emotions.length) return false;
    setLabel(row, undefined, event.key === "0" ? "" : data.emotions[Number(event.key) - 1]);
    event.target.querySelector("select").replaceWith(rowSelect(row));
    return true;
  }

  // Details: track, probabilities over time, segments

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

  const SVG = "http://www.w3.org/2000/svg";

  // Told apart by its dashes, too.
  function styledLine(shape, emotion, number) {
    const line = document.createElementNS(SVG, shape);
    line.setAttribute("fill", "none");
    line.setAttribute("stroke", COLORS[emotion] || "#888");
    line.setAttribute("stroke-width", "2");
    line.setAttribute("stroke-dasharray", ["", "8 3", "3 3", "10 3 2 3"][number % 4]);
    line.setAttribute("vector-effect", "non-scaling-stroke");
    return line;
  }

  function linesOf(row) {
    const svg = document.createElementNS(SVG, "svg");
    svg.setAttribute("class", "lines");
    svg.setAttribute("viewBox", "0 0 1000 100");
    svg.setAttribute("preserveAspectRatio", "none");
    svg.setAttribute("role", "img");
    svg.setAttribute("aria-label", "Probability of each emotion over time");
    data.emotions.forEach((emotion, number) => {
      const line = styledLine("polyline", emotion, number);
      const points = row.segments.flatMap((s) => [s.start, s.end].map((t) => `${1000 * t / row.seconds},${98 - 96 * s.probabilities[number]}`));
      line.setAttribute("points", points.join(" "));
      svg.append(line);
    });
    return svg;
  }

  function legend() {
    return make("p", { class: "legend" }, ...data.emotions.map((emotion, number) => {
      const sample = document.createElementNS(SVG, "svg");
      sample.setAttribute("viewBox", "0 0 36 12");
      sample.setAttribute("aria-hidden", "true");
      const line = styledLine("path", emotion, number);
      line.setAttribute("d", "M0 6H36");
      sample.append(line);
      return make("span", {}, sample, emotion);
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

  function middle(row) {
    if (row.segments.length) return [trackOf(row), linesOf(row), legend()];
    return row.emotion ? [probabilities(row)] : [];
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

  $("save").addEventListener("click", saveLabels);
  showOverview();
  avser.table({
    noun: "recordings",
    cells: {
      emotion: (row) => (row.emotion ? answer(row) : [make("span", { class: "soft", text: row.state })]),
      confidence: (row) => (row.emotion ? row.confidence.toFixed(2) : ""),
      seconds: (row) => (row.seconds ? clock(row.seconds) : ""),
      label: rowSelect,
    },
    valueOf: (row, key) => (key === "label" ? labels[keyOf(row)] : row[key]),
    note: (row) => (row.state === "failed" ? row.reason : ""),
    wanted,
    middle,
    after: (row) => (row.segments.length > 1 ? [segmentTable(row)] : []),
    onKey: labelByDigit,
  });
})();
