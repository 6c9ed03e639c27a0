"""The card that lies in every bundle: what the model is, how good, and what it is not for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from avser_cli.data.corpora import known_corpora
from avser_cli.data.corpus_summary import CorpusSummary
from avser_cli.data.licences import weights_terms
from avser_cli.evaluation.group_scores import GroupScores
from avser_cli.evaluation.metrics import Report
from avser_cli.experiments.recipe_report import RecipeReport
from avser_cli.model.bundle import BundleConfig, Origin
from avser_cli.report.cross_validation_report import calibration_words, robustness_table, runs_table
from avser_cli.report.figures import plot_confusion, plot_history
from avser_cli.report.group_tables import groups_markdown, worst_words
from avser_cli.report.tables import TextTable, classification_report, to_markdown
from avser_cli.training.history import Epoch

ALL_GROUPS = "metrics.json"
"""The part of a bundle that has all speakers where a table does not."""
LIMITS = """\
Most corpora hold acted emotions, spoken or sung by trained actors in a studio. How people sound
when they feel something is another matter, and so are other languages, ages, rooms and microphones.
Not for diagnosis, hiring, policing, surveillance, or any decision about a person."""


def write_for_people(
    folder: Path,
    config: BundleConfig,
    history: Sequence[Epoch],
    report: Report | None,
    groups: Sequence[GroupScores] = (),
    measured: RecipeReport | None = None,
) -> None:
    """Write pictures and card beside the parts that answers depend on; see `model_card`."""
    plot_history(folder / "history.png", history, config.name)
    if report is not None:
        plot_confusion(folder / "confusion.png", report, config.name)
    card = model_card(config, report, groups, measured)
    (folder / "MODEL_CARD.md").write_text(card, encoding="utf-8")


def model_card(
    config: BundleConfig,
    report: Report | None,
    groups: Sequence[GroupScores] = (),
    measured: RecipeReport | None = None,
) -> str:
    """The card as Markdown.

    Parameters
    ----------
    config : BundleConfig
    report : Report or None
        On the held-out side; ``None`` where nothing was held out.
    groups : sequence of GroupScores
        Of the held-out side.
    measured : RecipeReport or None
        The cross-validation that vouches for the recipe.
    """
    libraries = ", ".join(f"{name} {number}" for name, number in config.libraries.items())
    recipe = config.recipe
    if report is not None:
        accuracy = (
            f"On the {report.clips} held-out clips ({config.split.settings.describe()}), last "
            f"epoch:\n\n```\n{classification_report(report)}\n```\n"
        ) + groups_markdown(groups, "By group:", ALL_GROUPS)
    else:
        accuracy = "Nothing was held out, so this bundle itself has no accuracy to report.\n"
    if measured is not None:
        accuracy += cross_validated(measured)
    joined = f", {recipe.ensemble} networks joined" if recipe.ensemble > 1 else ""
    origin = config.origin
    came_from = f"| from | {_origin_words(origin)} |\n" if origin else ""
    trained_on = len(config.split.train) - (origin.clips if origin else 0)
    drawn = f", {words}" if (words := recipe.sampling.describe()) else ""
    return f"""\
# {config.name}

Predicts {", ".join(config.labels[:-1])} or {config.labels[-1]} for a clip of a voice.

| | |
| --- | --- |
| network | {recipe.network}, recipe `{recipe.name}`, {config.parameters:,} weights{joined} |
| training | {recipe.optimizer}, learning rate {recipe.learning_rate} ({recipe.schedule}), \
{recipe.describe_epochs()}, batch {recipe.batch_size}{drawn}, seed {config.seed}, \
{config.seconds:.0f} s |
{came_from}| clips | {config.corpus["description"]} |
| corpus fingerprint | `{config.corpus["fingerprint"]}` |
| split | {config.split.settings.describe()}: {trained_on} trained on, \
{len(config.split.test)} held out |
| made | {config.created}, avser {config.avser}; {libraries} |

## Accuracy

{accuracy}
## Limits

{LIMITS}

## Corpora and licence

{licence_words(config.corpora)}
"""


def _origin_words(origin: Origin) -> str:
    """The bundle that was trained on, and how."""
    return (
        f"the bundle `{origin.name}` (config.json {origin.checksum[:8]}), trained on "
        f"{origin.clips:,} other clips by the recipe above; then {origin.method}"
    )


def licence_words(corpora: Sequence[CorpusSummary]) -> str:
    """The corpora that weights were trained on, and what their licences mean for the weights."""
    head = ("corpus", "language", "speakers", "clips", "licence", "")
    rows = (
        (
            corpus.title,
            ", ".join(corpus.languages) or "not known",
            str(corpus.speakers) if corpus.speakers else "not known",
            str(corpus.clips),
            corpus.licence or "not known to avser",
            _source(corpus.name),
        )
        for corpus in corpora
    )
    table = TextTable(head, tuple(rows), left=frozenset({0, 1, 4, 5}))
    terms = weights_terms({corpus.title: corpus.licence for corpus in corpora})
    weights = "\n".join(f"- {term}" for term in terms) or "- nothing is asked for"
    return (
        f"{to_markdown(table)}\n\nFor the weights, taken as a work that derives from the clips, "
        f"follows, the strictest first:\n\n{weights}\n\navser's code is MIT."
    )


def _source(name: str) -> str:
    """Who is to be cited for a corpus, and where it is."""
    corpus = known_corpora().get(name)
    return f"{corpus.citation}, <{corpus.url}>" if corpus else ""


def cross_validated(measured: RecipeReport) -> str:
    """What a report folder says of bundles made by this recipe."""
    summary = measured.summary
    parts = [
        f"The same recipe, cross-validated (`{summary.command}`, {summary.created[:10]}):",
        to_markdown(runs_table(summary, held_out=True)),
        *([f"{words} (pooled over runs)."] if (words := worst_words(summary.groups)) else []),
        calibration_words(summary),
    ]
    if measured.robustness is not None:
        parts += [
            "Degraded test clips, the recipe's own training (mean over the same runs):",
            to_markdown(robustness_table(measured.robustness)),
        ]
    return "\n" + "\n\n".join(parts) + "\n"
