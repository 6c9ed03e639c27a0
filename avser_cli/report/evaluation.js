"use strict";
(() => {
  const { $, make, clock, probabilities, answer } = avser;
  const cellsOfMatrix = [...document.querySelectorAll(".confusion button")];

  function wanted(row) {
    const result = $("result").value;
    return !result || (result === "right" && row.right) || (result === "wrong" && !row.right)
      || (result === "uncertain" && row.uncertain) || (result === "sure" && !row.right && !row.uncertain);
  }

  const isChosen = (cell) => $("label").value === cell.dataset.label && $("emotion").value === cell.dataset.emotion;

  const table = avser.table({
    noun: "answers",
    cells: {
      emotion: answer,
      right: (row) => (row.right ? "✓ right" : [make("strong", { text: "✗ wrong" })]),
      confidence: (row) => row.confidence.toFixed(2),
      seconds: (row) => (row.seconds ? clock(row.seconds) : ""),
    },
    valueOf: (row, key) => (key === "right" ? Number(row.right) : row[key]),
    wanted,
    middle: (row) => [
      make("p", { text: `Label ${row.label}, answer ${row.emotion}${row.text ? `; text ${row.text}` : ""}${row.speaker ? `; speaker ${row.speaker}` : ""}` }),
      probabilities(row),
    ],
    onUpdate: () => cellsOfMatrix.forEach((cell) => cell.setAttribute("aria-pressed", `${isChosen(cell)}`)),
  });

  // A number of the matrix shows its clips, once more all.
  cellsOfMatrix.forEach((cell) => cell.addEventListener("click", () => {
    const chosen = isChosen(cell);
    $("filters").reset();
    $("label").value = chosen ? "" : cell.dataset.label;
    $("emotion").value = chosen ? "" : cell.dataset.emotion;
    table.update();
    if (!chosen) $("recordings-title").scrollIntoView();
  }));
})();
