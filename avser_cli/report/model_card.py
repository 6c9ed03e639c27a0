"""The card that lies in every bundle: what the model is, how good, and what it is not for."""

from __future__ import annotations

from avser_cli.evaluation.metrics import Report
from avser_cli.experiments.summary import RecipeReport
from avser_cli.model.bundle import BundleConfig
from avser_cli.report.cross_validation_report import calibration_words, robustness_table, runs_table
from avser_cli.report.tables import classification_report, to_markdown

LICENCE = """\
The weights were trained on recordings that stand under CC BY-NC-SA 4.0 if the corpus was RAVDESS
(Livingstone and Russo 2018, https://doi.org/10.1371/journal.pone.0196391): use and share such
weights under those terms, not commercially, and name the corpus. avser's code is MIT."""

LIMITS = """\
Trained on acted emotions, spoken or sung by trained actors in a studio. How people sound when
they feel something is another matter, and so are other languages, ages, rooms and microphones.
Not for diagnosis, hiring, policing, surveillance, or any decision about a person."""


def model_card(
    config: BundleConfig, report: Report | None, measured: RecipeReport | None = None
) -> str:
    """The card as Markdown.

    Parameters
    ----------
    config : BundleConfig
    report : Report or None
        On the held-out side; ``None`` where nothing was held out.
    measured : RecipeReport or None
        The cross-validation that vouches for the recipe.
    """
    libraries = ", ".join(f"{name} {number}" for name, number in config.libraries.items())
    recipe = config.recipe
    if report is not None:
        accuracy = (
            f"On the {report.clips} held-out clips ({config.split.settings.describe()}), last "
            f"epoch:\n\n```\n{classification_report(report)}\n```\n"
        )
    else:
        accuracy = "Nothing was held out, so this bundle itself has no accuracy to report.\n"
    if measured is not None:
        accuracy += cross_validated(measured)
    joined = f", {recipe.ensemble} networks joined" if recipe.ensemble > 1 else ""
    return f"""\
# {config.name}

Hears {", ".join(config.labels)} in a clip of a voice.

| | |
| --- | --- |
| network | {recipe.network}, recipe `{recipe.name}`, {config.parameters:,} weights{joined} |
| training | {recipe.optimizer}, learning rate {recipe.learning_rate} ({recipe.schedule}), \
{recipe.epochs} epochs, batch {recipe.batch_size}, seed {config.seed}, {config.seconds:.0f} s |
| clips | {config.corpus["description"]} |
| corpus fingerprint | `{config.corpus["fingerprint"]}` |
| split | {config.split.settings.describe()}: {len(config.split.train)} trained on, \
{len(config.split.test)} held out |
| made | {config.created}, avser {config.avser}; {libraries} |

## Accuracy

{accuracy}
## Limits

{LIMITS}

## Licence

{LICENCE}
"""


def cross_validated(measured: RecipeReport) -> str:
    """What a report folder says of bundles made by this recipe."""
    summary = measured.summary
    parts = [
        f"The same recipe, cross-validated (`{summary.command}`, {summary.created[:10]}):",
        to_markdown(runs_table(summary, held_out=True)),
        calibration_words(summary.calibration),
    ]
    if measured.robustness is not None:
        parts += [
            "Degraded test clips, the recipe's own training (mean over the same runs):",
            to_markdown(robustness_table(measured.robustness)),
        ]
    return "\n" + "\n\n".join(parts) + "\n"
