"use strict";
// What the pages share: a table of recordings that sorts and filters, with pictures and players.
const avser = (() => {
  const PER_PAGE = 100;
  const data = JSON.parse(document.getElementById("data").textContent);
  const rows = data.recordings;
  rows.forEach((row, number) => { row.number = number; row.folder = row.file.slice(0, Math.max(0, row.file.lastIndexOf("/"))); });
  const $ = (id) => document.getElementById(id);

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
  const percent = (share) => `${Math.round(100 * share)}%`;

  // Name, bar and share of each.
  function bars(shares, what) {
    return shares.flatMap(([name, share]) => [
      make("span", { text: name }),
      make("meter", { value: share, min: 0, max: 1, "aria-label": `${name}: ${percent(share)}${what}` }),
      make("span", { text: percent(share) }),
    ]);
  }

  function probabilities(row) {
    return make("div", { class: "bars" }, ...bars(data.emotions.map((emotion, number) => [emotion, row.probabilities[number]]), ""));
  }

  // An answer, and in words whether it is uncertain.
  function answer(row) {
    return [row.emotion, ...(row.uncertain ? [make("span", { class: "mark", text: " ?", title: "uncertain" }), make("span", { class: "soft", text: " uncertain" })] : [])];
  }

  // Player: of a part of a file, times are the part's

  let until = null;
  let offset = 0;
  const player = () => document.querySelector("audio");
  function playPause() {
    const audio = player();
    if (audio) { until = null; if (audio.paused) audio.play().catch(() => {}); else audio.pause(); }
  }
  function playFrom(start, end) {
    const audio = player();
    if (!audio) return;
    until = end;
    audio.currentTime = offset + start;
    audio.play().catch(() => {});
  }

  function pictureOf(row, cursor) {
    const image = make("img", { src: `data:image/webp;base64,${row.picture}`, alt: `Spectrogram of ${row.file}` });
    if (!row.sound) return make("div", { class: "view" }, image);
    const view = make("div", { class: "view", onclick: (event) => {
      const box = view.getBoundingClientRect();
      playFrom(row.seconds * (event.clientX - box.left) / box.width, null);
    } }, image, cursor);
    return view;
  }

  function playerOf(row, cursor) {
    offset = row.offset || 0;
    until = null;
    const end = offset + row.seconds;
    const source = row.offset === undefined ? row.sound : `${row.sound}#t=${offset},${end}`;
    const audio = make("audio", { controls: "", preload: "metadata", src: source, "aria-label": row.file });
    audio.addEventListener("timeupdate", () => {
      if (until !== null && audio.currentTime >= offset + until) { audio.pause(); until = null; }
      cursor.style.left = `${100 * (audio.currentTime - offset) / row.seconds}%`;
    });
    audio.addEventListener("error", () => audio.replaceWith(make("p", { class: "soft", text: `This browser cannot play ${row.file}, or it is not where it was.` })));
    return audio;
  }

  // The table. `cells` make what a column shows, `valueOf` what it is sorted by, `wanted` filters
  // besides the choices and the text, `middle` and `after` are shown around the player.
  function table({ noun, cells = {}, valueOf = (row, key) => row[key], wanted = () => true, note = () => "",
    middle = () => [], after = () => [], onKey = () => false, onUpdate = () => {} }) {
    const heads = [...document.querySelectorAll("th[data-key]")];
    const choices = [...document.querySelectorAll("[data-field]")];
    let order = { key: "", down: false };
    let page = 0;
    let shown = rows;
    let opened = null;

    function fillChoices() {
      choices.forEach((select) => {
        const field = select.dataset.field;
        const found = new Set(rows.flatMap((row) => row[field] ?? ""));
        const values = field === "emotion" || field === "label" ? data.emotions : [...found].filter(Boolean).sort();
        select.replaceChildren(make("option", { value: "", text: "all" }), ...values.map((x) => make("option", { value: x, text: x })));
        select.parentElement.hidden = found.size < 2;
      });
      heads.filter((head) => head.classList.contains("optional")).forEach((head) => {
        head.hidden = !rows.some((row) => row[head.dataset.key]);
      });
    }

    const meets = (value, chosen) => (Array.isArray(value) ? value.includes(chosen) : value === chosen);

    function update() {
      const text = $("search").value.trim().toLowerCase();
      const chosen = choices.filter((select) => select.value).map((select) => [select.dataset.field, select.value]);
      shown = rows.filter((row) => (!text || row.file.toLowerCase().includes(text) || (row.text || "").toLowerCase().includes(text))
        && chosen.every(([field, value]) => meets(row[field], value)) && wanted(row));
      if (order.key) {
        const sign = order.down ? -1 : 1;
        shown.sort((a, b) => {
          const [x, y] = [valueOf(a, order.key) ?? "", valueOf(b, order.key) ?? ""];
          return sign * (typeof x === "number" && typeof y === "number" ? x - y : `${x}`.localeCompare(`${y}`)) || a.number - b.number;
        });
      }
      page = 0;
      opened = null;
      draw();
      onUpdate();
    }

    function draw() {
      const pages = Math.max(1, Math.ceil(shown.length / PER_PAGE));
      const first = page * PER_PAGE;
      const part = shown.slice(first, first + PER_PAGE);
      $("rows").replaceChildren(...part.flatMap((row) => (row === opened ? [rowOf(row), detailOf(row)] : [rowOf(row)])));
      $("count").textContent = `${shown.length} of ${rows.length} ${noun}`;
      $("page").textContent = `page ${page + 1} of ${pages}`;
      $("previous").disabled = page === 0;
      $("next").disabled = page >= pages - 1;
      const firstRow = $("rows").querySelector("tr.row");
      if (firstRow) firstRow.tabIndex = 0;
    }

    function nameCell(row) {
      const open = make("button", { type: "button", text: row === opened ? "▾" : "▸", "aria-expanded": `${row === opened}`,
        "aria-label": `${row === opened ? "Close" : "Open"} ${row.file}`, onclick: () => toggle(row) });
      const name = make("span", { text: row.file }, ...(note(row) ? [make("span", { class: "soft", text: note(row) })] : []));
      return make("td", { class: "file" }, make("div", {}, open, name));
    }

    function rowOf(row) {
      const others = heads.slice(1).map((head) => {
        const key = head.dataset.key;
        const content = cells[key] ? cells[key](row) : `${row[key] ?? ""}`;
        const cell = make("td", { class: head.className }, ...(Array.isArray(content) ? content : [content]));
        cell.hidden = head.hidden;
        return cell;
      });
      return make("tr", { class: "row", tabindex: "-1", "data-number": row.number, onkeydown: (event) => onRowKey(event, row) }, nameCell(row), ...others);
    }

    function detailOf(row) {
      const shown = make("div");
      const cursor = make("i");
      if (note(row)) shown.append(make("p", { text: note(row) }));
      if (row.picture) shown.append(pictureOf(row, cursor));
      shown.append(...middle(row));
      if (row.sound) shown.append(playerOf(row, cursor));
      shown.append(...after(row));
      if (!shown.childNodes.length) shown.append(make("p", { text: "Nothing to show." }));
      return make("tr", { class: "detail" }, make("td", { colspan: heads.filter((head) => !head.hidden).length }, shown));
    }

    function toggle(row) {
      opened = opened === row ? null : row;
      draw();
      const element = $("rows").querySelector(`tr[data-number="${row.number}"]`);
      if (element) element.focus();
    }

    function onRowKey(event, row) {
      if (event.target.tagName !== "TR") return;
      const all = [...$("rows").querySelectorAll("tr.row")];
      const at = all.indexOf(event.target);
      if (event.key === "ArrowDown" && all[at + 1]) all[at + 1].focus();
      else if (event.key === "ArrowUp" && all[at - 1]) all[at - 1].focus();
      else if (event.key === "Enter") toggle(row);
      else if (event.key === " ") { if (opened !== row) toggle(row); playPause(); }
      else if (!onKey(event, row)) return;
      event.preventDefault();
    }

    heads.forEach((head) => head.querySelector("button").addEventListener("click", () => {
      const key = head.dataset.key;
      order = { key, down: order.key === key && !order.down };
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", order.down ? "descending" : "ascending");
      update();
    }));
    $("filters").addEventListener("input", update);
    $("filters").addEventListener("reset", () => setTimeout(update));
    $("filters").addEventListener("submit", (event) => event.preventDefault());
    $("previous").addEventListener("click", () => { page -= 1; draw(); });
    $("next").addEventListener("click", () => { page += 1; draw(); });
    fillChoices();
    update();
    return { update };
  }

  return { data, rows, $, make, clock, percent, bars, probabilities, answer, playFrom, table };
})();
