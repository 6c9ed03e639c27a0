"""`classify` without windows: one answer for each recording, or for each channel of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from avser_cli.audio.decoding import STDIN
from avser_cli.audio.input import display_name
from avser_cli.commands.classify_run import Run, Task, first_error
from avser_cli.errors import InputError, NoVoiceError
from avser_cli.inference.classifier import Classifier, OnProgress
from avser_cli.inference.predictions import Prediction, RecordingPrediction
from avser_cli.inference.recordings import (
    ChannelAnswer,
    Recording,
    answer_on_cluster,
    answer_recording,
)
from avser_cli.report.console import echo, escape, print_table
from avser_cli.report.result_writer import Row
from avser_cli.report.text_output import (
    answer_table,
    paper_lines,
    probability_bars,
    uncertain_line,
)
from avser_cli.threads import in_order

_Answers = list[tuple[Task, RecordingPrediction | InputError]]


def classify_recordings(run: Run) -> None:
    """Answer for each recording as a whole, and print, write and note the answers."""
    rows = run.rows(parts=False)
    table: list[tuple[str, Prediction]] = []
    for answers in _answers(run):
        found = [_row(run, task, answer) for task, answer in answers if _has_row(answer)]
        run.note(found)
        if rows:
            rows.write(found)
        errors = [(task, answer) for task, answer in answers if isinstance(answer, InputError)]
        if len(errors) == len(answers):
            run.failed(*first_error(errors))
            continue
        run.answered += 1
        run.damaged += any(_is_damaged(answer) for _, answer in answers)
        for task, answer in answers:
            if isinstance(answer, InputError):
                run.part_failed(task, answer)
            elif run.format == "table":
                table.append((task.name, answer))
            elif not rows:
                _print_answer(run, task, answer)
    if run.format == "table":
        print_table(answer_table(table))


def _has_row(answer: RecordingPrediction | InputError) -> bool:
    return isinstance(answer, RecordingPrediction | NoVoiceError)


def _is_damaged(answer: RecordingPrediction | InputError) -> bool:
    return isinstance(answer, RecordingPrediction) and answer.damaged


def _row(run: Run, task: Task, answer: RecordingPrediction | InputError) -> Row:
    assert isinstance(answer, RecordingPrediction | NoVoiceError)
    return Row.of(str(task.path), answer, run.row_model, run.speaker(task.path), task.channel)


def _answers(run: Run) -> Iterator[_Answers]:
    """The answers for each sound: many side by side, or a single one on all cores."""

    def answer(
        path: Path, jobs: int = 1, on_progress: OnProgress = lambda done, total: None
    ) -> list[ChannelAnswer]:
        return answer_recording(run.classifier_of(path), path, run.each_channel, jobs, on_progress)

    def named(path: Path, found: list[ChannelAnswer]) -> _Answers:
        classifier = run.classifier_of(path)
        return [(Task(path, classifier, one.channel), one.answer) for one in found]

    if run.several or run.scheduler:
        if run.scheduler:
            recordings = (Recording(x, run.classifier_of(x).normalization) for x in run.paths)
            answers = answer_on_cluster(run.scheduler, run.classifier, recordings, run.each_channel)
        else:
            answers = in_order(answer, run.paths, run.jobs)
        with run.progress("classifying", True) as on_progress:
            for done, (path, found) in enumerate(zip(run.paths, answers, strict=True), start=1):
                yield named(path, found)
                on_progress(done, len(run.paths))
        return
    for path in run.paths:
        with run.progress("classifying", path != STDIN) as on_progress:
            found = answer(
                path, run.jobs, lambda done, total: on_progress(round(done), round(total))
            )
        yield named(path, found)


def _print_answer(run: Run, task: Task, answer: Prediction) -> None:
    lines = paper_lines(answer.emotion, run.classifier.config.label_categories)
    bars = probability_bars(answer) if run.verbose else []
    named = run.several or bool(task.channel)
    print("\n".join([*([f"{task.name}:"] if named else []), *lines, *bars]), flush=True)
    calibration = run.classifier.config.calibration
    if answer.uncertain and calibration:
        line = uncertain_line(answer, calibration.threshold)
        echo(f"{task.name}: {line}" if named else line)


def explain_clip(classifier: Classifier, path: Path, target: Path) -> None:
    """Draw what the answer for a clip depends on."""
    from avser_cli.report.explanation_figure import plot_explanation

    explanation = classifier.explain(path)
    plot_explanation(target, escape(Path(display_name(path)).name), explanation)
    echo(f"figure: {escape(target)}")
