"""The command that tests moderators."""

from __future__ import annotations

from typing import Annotated

import typer

from metaalliance.cli.arguments import (
    ComponentsOption,
    Figures,
    Pairs,
    among,
    checked_components,
    moderator_columns,
)
from metaalliance.cli.register import ANALYSIS, Former, command
from metaalliance.cli.request import Request
from metaalliance.options import FurtherTest, option_values

_TESTS = option_values(FurtherTest)


@command(
    "moderators",
    "Examine",
    ANALYSIS,
    draws=True,
    examples=(
        "moderators studies.xlsx --by modality --by alliance_rater",
        'moderators studies.xlsx --formula "modality + year" --reference modality=CBT',
    ),
    formerly=(
        Former(flag="--scale-formula", now="--heterogeneity"),
        Former(flag="--compare", now="--contrasts"),
        Former(flag="--tests", now="--also", listed=True),
    ),
)
def moderators(
    request: Request,
    by: Annotated[
        Pairs,
        typer.Option(
            "--by",
            help="Column that groups, or a number; repeat it [default: modality].",
            autocompletion=among(moderator_columns),
        ),
    ] = None,
    formula: Annotated[
        str | None,
        typer.Option("--formula", help='Meta-regression, such as "modality * year".'),
    ] = None,
    within_between: Annotated[
        Pairs,
        typer.Option(
            "--within-between",
            help="Slopes within and between studies of a column; repeat it.",
            autocompletion=among(moderator_columns),
        ),
    ] = None,
    heterogeneity: Annotated[
        str | None,
        typer.Option(
            "--heterogeneity",
            help="Moderators of tau² between studies beside those of --formula, and of other "
            'components by name: "year; effect = outcome" (location-scale model).',
        ),
    ] = None,
    model_set: Annotated[
        str | None,
        typer.Option(
            "--model-set", help="Terms such as modality,year: weigh all their subsets by AICc."
        ),
    ] = None,
    at: Annotated[
        Pairs,
        typer.Option(
            "--at",
            help="Predict from --formula and --heterogeneity at column=value, such as year=2020; "
            "repeat it, also for further values of a column.",
        ),
    ] = None,
    reference: Annotated[
        Pairs,
        typer.Option("--reference", help="First level, modality=CBT [default: most studies]."),
    ] = None,
    scale: Annotated[
        Pairs,
        typer.Option("--scale", help="Unit of a slope, year=1 [default: a decade for years, 1]."),
    ] = None,
    centre: Annotated[
        Pairs, typer.Option("--centre", help="Zero of a number, year=2000 [default: its mean].")
    ] = None,
    separate_tau2: Annotated[
        bool, typer.Option("--separate-tau2", help="Fit each level with its own heterogeneity.")
    ] = False,
    min_studies: Annotated[
        int, typer.Option("--min-studies", min=1, help="Levels with fewer are not tested.")
    ] = 3,
    common_set: Annotated[
        bool, typer.Option("--common-set", help="Test all on effects with every value.")
    ] = False,
    contrasts: Annotated[
        str,
        typer.Option(
            "--contrasts",
            help="Differences of levels: pairwise (none above 64 levels), from the reference, all.",
            autocompletion=among(("pairwise", "reference", "all")),
        ),
    ] = "pairwise",
    also: Annotated[
        Pairs,
        typer.Option(
            "--also",
            help=f"A further test: {', '.join(_TESTS[:-1])} or {_TESTS[-1]} (also of a formula); "
            "may be repeated.",
            autocompletion=among(_TESTS),
        ),
    ] = None,
    sesoi: Annotated[
        float | None,
        typer.Option("--sesoi", help="Smallest difference of interest: test equivalence."),
    ] = None,
    components: ComponentsOption = "re-estimated",
    replications: Annotated[
        int, typer.Option("--replications", min=99, help="Of permutations and bootstrap.")
    ] = 1000,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Seed of both.")] = 1,
    figures: Figures = True,
) -> int:
    """Compare effects between modalities, raters, times; regress them on moderators."""
    from metaalliance.analysis.moderators import ModeratorOptions
    from metaalliance.cli.moderators import run_moderators

    asked = {"all", "permutation", "wild-bootstrap"} & set(also or ())
    options = ModeratorOptions(
        by=tuple(by or ()),
        formula=formula,
        within_between=tuple(within_between or ()),
        heterogeneity=heterogeneity,
        model_set=tuple(t.strip() for t in (model_set or "").split(",") if t.strip()),
        at=tuple(at or ()),
        reference=tuple(reference or ()),
        scale=tuple(scale or ()),
        centre=tuple(centre or ()),
        separate_tau2=separate_tau2,
        min_studies=min_studies,
        common_set=common_set,
        compare=contrasts,
        tests=",".join(also) if also else None,
        sesoi=sesoi,
        components=checked_components(
            components, asked, "--also permutation and --also wild-bootstrap"
        ),
        replications=replications,
        seed=seed,
    )
    return run_moderators(request, options, figures=figures)
