"use strict";
(() => {
  const { $, make } = avser;
  const heads = [...document.querySelectorAll("th[data-key^=model]")];

  avser.table({
    noun: "clips",
    cells: { count: (row) => `${row.count} of ${heads.length}` },
    wanted: (row) => row.count >= Number($("least").value),
    middle: (row) => [make("dl", {}, ...[["label", row.label], ...heads.map((head) => [head.textContent, row[head.dataset.key]])].map(([name, value]) =>
      make("div", {}, make("dt", { text: name }), make("dd", { text: value }))))],
  });
})();
