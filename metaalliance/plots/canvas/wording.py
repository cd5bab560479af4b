"""How a style writes numbers, intervals and tests: a record, so that a style is data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from metaalliance.wording.numbers import p_parts


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """Number formats and sentences of a style; stars enclose what is set in italics.

    Segments hold fields in braces; a segment whose value is missing is left out.

    Attributes
    ----------
    leading_zero : bool
        "0.28" instead of ".28" for correlations.
    bracket : tuple of (str, str, str)
        What stands before, between and after the limits of an interval.
    p_leading_zero, tight : bool
        "0.03" for p values; no blanks around "=" and "<".
    percent : str
        What follows a weight: "%" or nothing.
    heterogeneity, group : tuple of str
        Segments about all studies and about one group; fields: k, Q, df, p, tau, tau2, I2.
    heterogeneity_label, group_label, separator : str
        What stands before the segments and between them.
    test_t, test_z : str
        Test of a mean; fields: statistic, df, p.
    test_label, group_test_label : str
        What stands before the test of the overall mean and of one group's mean; empty for no
        test of groups.
    between_label : str
        What stands before the test of differences between groups; fields: common, among.
    between_f, between_chi2 : str
        That test; fields: statistic, df1, df2, p.
    end : str
        What ends a sentence.
    """

    leading_zero: bool = False
    bracket: tuple[str, str, str] = ("[", ", ", "]")
    p_leading_zero: bool = False
    tight: bool = False
    percent: str = "%"
    heterogeneity: tuple[str, ...] = ("*Q*({df}) = {Q}, *p* {p}", "τ = {tau}", "*I*² = {I2}")
    group: tuple[str, ...] = ("*k* = {k}", "τ = {tau}", "*I*² = {I2}")
    heterogeneity_label: str = "Heterogeneity: "
    group_label: str = ""
    separator: str = ", "
    test_t: str = "*t*({df}) = {statistic}, *p* {p}"
    test_z: str = "*z* = {statistic}, *p* {p}"
    test_label: str = "Test of the overall mean: "
    group_test_label: str = ""
    between_label: str = "Test of group differences{common}{among}: "
    between_f: str = "*F*({df1},\N{NO-BREAK SPACE}{df2}) = {statistic}, *p* {p}"
    between_chi2: str = "χ²({df1}) = {statistic}, *p* {p}"
    end: str = "."

    def p_text(self, p: float) -> str:
        """Return "= .032", "< .001" or "> .999".

        Examples
        --------
        >>> APA_WORDING.p_text(0.0323), Wording(p_leading_zero=True, tight=True).p_text(1e-9)
        ('= .032', '<0.001')
        """
        sign, value = p_parts(p, correlation=not self.p_leading_zero)
        return f"{sign}{value}" if self.tight else f"{sign} {value}"

    def bounded(self, low: str, high: str) -> tuple[str, str]:
        """Return the halves of an interval with their brackets, "[.26," and ".30]"."""
        before, between, after = self.bracket
        return f"{before}{low}{between.rstrip()}", f"{high}{after}"

    def sentence(self, segments: tuple[str, ...], values: Mapping[str, str | None]) -> str:
        """Fill segments and join those whose values are all there.

        Examples
        --------
        >>> APA_WORDING.sentence(("k = {k}", "τ = {tau}"), {"k": "3", "tau": None})
        'k = 3'
        """
        known = {name: value for name, value in values.items() if value is not None}
        missing = [f"{{{name}}}" for name, value in values.items() if value is None]
        kept = (s for s in segments if not any(field in s for field in missing))
        return self.separator.join(segment.format(**known) for segment in kept)


#: American Psychological Association: no leading zero, brackets, italic symbols.
APA_WORDING = Wording()

#: The output of Cochrane's Review Manager.
REVMAN_WORDING = Wording(
    leading_zero=True,
    p_leading_zero=True,
    heterogeneity=("Tau² = {tau2}", "Chi² = {Q}, df = {df} (P {p})", "I² = {I2}"),
    group=("Tau² = {tau2}", "Chi² = {Q}, df = {df} (P {p})", "I² = {I2}"),
    group_label="Heterogeneity: ",
    separator="; ",
    test_t="T = {statistic}, df = {df} (P {p})",
    test_z="Z = {statistic} (P {p})",
    between_label="Test for subgroup differences{common}{among}: ",
    between_f="F = {statistic}, df = {df1},\N{NO-BREAK SPACE}{df2} (P {p})",
    between_chi2="Chi² = {statistic}, df = {df1} (P {p})",
    test_label="Test for overall effect: ",
    group_test_label="Test for overall effect: ",
    end="",
)

#: American Medical Association: zero before the point except in P, "to" between limits.
JAMA_WORDING = Wording(
    leading_zero=True,
    bracket=("(", " to ", ")"),
    percent="",
    heterogeneity=("τ² = {tau2}", "*Q* = {Q}, *df* = {df}, *P* {p}", "*I*² = {I2}"),
    group=("τ² = {tau2}", "*Q* = {Q}, *df* = {df}, *P* {p}", "*I*² = {I2}"),
    group_label="Heterogeneity: ",
    separator="; ",
    test_t="*t* = {statistic}, *df* = {df}, *P* {p}",
    test_z="*z* = {statistic}, *P* {p}",
    between_label="Test for subgroup differences{common}{among}: ",
    between_f="*F* = {statistic}, *df* = {df1},\N{NO-BREAK SPACE}{df2}, *P* {p}",
    between_chi2="χ² = {statistic}, *df* = {df1}, *P* {p}",
    test_label="Test for overall effect: ",
)

#: British Medical Journal: "to" between limits, no blanks around signs.
BMJ_WORDING = Wording(
    leading_zero=True,
    bracket=("(", " to ", ")"),
    p_leading_zero=True,
    tight=True,
    percent="",
    heterogeneity=("τ²={tau2}", "χ²={Q}, df={df}, P{p}", "I²={I2}"),
    group=("τ²={tau2}", "χ²={Q}, df={df}, P{p}", "I²={I2}"),
    heterogeneity_label="Test for heterogeneity: ",
    group_label="Test for heterogeneity: ",
    test_t="t={statistic}, df={df}, P{p}",
    test_z="z={statistic}, P{p}",
    between_label="Test for subgroup differences{common}{among}: ",
    between_f="F={statistic}, df={df1},\N{NO-BREAK SPACE}{df2}, P{p}",
    between_chi2="χ²={statistic}, df={df1}, P{p}",
    test_label="Test for overall effect: ",
    end="",
)
