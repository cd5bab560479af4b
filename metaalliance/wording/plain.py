"""Plain substitutes for characters that an encoding lacks, as those of old terminals do."""

from __future__ import annotations

import codecs
import unicodedata

#: What is written in place of a character that this program prints and an encoding lacks.
#: Those that stand in columns of tables keep their width where they can.
SUBSTITUTES: dict[str, str] = {
    **dict.fromkeys("−–—‐‑‒─", "-"),
    **{"²": "2", "³": "3", "¹": "1", "₂": "2", "ᵃ": "a", "ᵇ": "b", "ᶜ": "c", "½": "1/2"},
    **{"≥": ">=", "≤": "<=", "≠": "!=", "≈": "~", "±": "+/-", "×": "x", "·": ".", "√": "sqrt "},
    **{"∞": "inf", "→": "->", "←": "<-", "°": " degrees", "§": "section ", "¶": "par. "},
    **dict.fromkeys("‘’", "'"),
    **dict.fromkeys("“”„«»", '"'),
    **{"…": "...", "†": "+", "‡": "++", "•": "*", "✓": "yes", "✗": "no"},
    **{"α": "alpha", "β": "beta", "γ": "gamma", "δ": "delta", "Δ": "Delta", "η": "eta"},
    **{"κ": "kappa", "λ": "lambda", "μ": "mu", "π": "pi", "ρ": "rho", "σ": "sigma"},
    **{"Σ": "Sigma", "τ": "tau", "φ": "phi", "χ": "chi", "ω": "omega"},
    **{"ß": "ss", "æ": "ae", "Æ": "AE", "œ": "oe", "Œ": "OE", "ø": "o", "Ø": "O", "ł": "l",
       "Ł": "L", "đ": "d", "Đ": "D", "ı": "i"},
}  # fmt: skip

#: Name of the way of encoding errors, for `open`, `str.encode` and `reconfigure`.
PLAIN = "metaalliance.plain"


def plain(text: str) -> str:
    r"""Return a text in ASCII: by the table, as letters without their marks, or as escapes.

    Examples
    --------
    >>> plain("τ² ≥ −.5, Dvořák 2001"), plain("中")
    ('tau2 >= -.5, Dvorak 2001', '\\u4e2d')
    """
    return "".join(c if c.isascii() else _plain(c) for c in text)


def _plain(character: str) -> str:
    if character in SUBSTITUTES:
        return SUBSTITUTES[character]
    parts = unicodedata.normalize("NFKD", character)
    kept = "".join(c for c in parts if not unicodedata.combining(c))
    if kept.isascii() and (kept or unicodedata.combining(character)):
        return kept
    return character.encode("ascii", "backslashreplace").decode("ascii")


def _substituted(error: UnicodeError) -> tuple[str, int]:
    """Stand in for what cannot be encoded; anything else is no matter of ours."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return plain(error.object[error.start : error.end]), error.end


codecs.register_error(PLAIN, _substituted)
