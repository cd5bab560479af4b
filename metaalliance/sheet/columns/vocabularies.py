"""Controlled vocabularies: the levels that moderators may have, and their aliases."""

from __future__ import annotations

import difflib
import re
import unicodedata
from dataclasses import dataclass, field, replace
from functools import lru_cache


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Allowed values of a column.

    Attributes
    ----------
    name : str
        The column.
    levels : tuple of str
        Canonical values.
    aliases : dict
        Other names by level.
    open : bool
        Whether other values are levels of their own; closed are those that decide a number, a
        sign or a refusal.
    named : bool
        Whether it names instruments, of which there are always more: others are not asked about.
    exact : bool
        Whether punctuation counts, as it does for signs.
    """

    name: str
    levels: tuple[str, ...]
    aliases: dict[str, tuple[str, ...]] = field(default_factory=dict)
    open: bool = False
    named: bool = False
    exact: bool = False
    _lookup: dict[str, str] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        for level in self.levels:
            self._lookup[self._key(level)] = level
        for level, names in self.aliases.items():
            for name in names:
                self._lookup.setdefault(self._key(name), level)

    def _key(self, text: str) -> str:
        return text.strip().casefold() if self.exact else key_of(text)

    def find(self, text: str) -> str | None:
        """Return the level that `text` names, or None."""
        return self._lookup.get(self._key(text))

    def suggest(self, text: str) -> str | None:
        """Return the level with the nearest name, or None."""
        near = difflib.get_close_matches(self._key(text), self._lookup, n=1, cutoff=0.6)
        return self._lookup[near[0]] if near else None

    def near(self, text: str) -> str | None:
        """Return the level or other name that is one or two letters from `text`, or None."""
        key = self._key(text)
        allowed = 0 if len(key) < 3 else 1 if len(key) < 5 else 2
        names = (*self.levels, *(name for known in self.aliases.values() for name in known))
        apart = {n: letters_apart(key, self._key(n), allowed) for n in names if len(n) > 2}
        near = [name for name in names if apart.get(name, allowed + 1) <= allowed]
        if len(key) < 5:  # MBT is neither CBT nor MBCT: of a short name only CBTT or CBTs
            near = [name for name in near if _doubled(*sorted((key, self._key(name)), key=len))]
        return min(near, key=apart.__getitem__) if near else None


def _doubled(short: str, long: str) -> bool:
    """Whether a word is another with its last letter twice, or with an s."""
    return long[:-1] == short and long[-1] in {short[-1:], "s"}


def letters_apart(first: str, second: str, enough: int | None = None) -> int:
    """Letters to change, add or leave out between two words (Levenshtein's distance).

    Examples
    --------
    >>> letters_apart("client", "cleint"), letters_apart("school", "schools")
    (2, 1)
    """
    if enough is not None and abs(len(first) - len(second)) > enough:
        return enough + 1
    row = list(range(len(second) + 1))
    for i, a in enumerate(first, start=1):
        before, row[0] = row[0], i
        for j, b in enumerate(second, start=1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (a != b))
    return row[-1]


def turned(include: Vocabulary) -> Vocabulary:
    """Return the vocabulary of a column that marks what is left out: yes is no, in stays in.

    Examples
    --------
    >>> [turned(VOCABULARIES["include"]).find(text) for text in ("x", "0", "excluded", "in")]
    ['no', 'yes', 'no', 'yes']
    """
    other = replace(include, _lookup={})
    spoken = {key_of(word) for word in (*SAID_IN, *SAID_OUT)}
    for key, level in other._lookup.items():
        if key not in spoken:
            other._lookup[key] = "no" if level == "yes" else "yes"
    return other


@lru_cache(maxsize=8192)
def key_of(text: str) -> str:
    """Fold case, accents' form, blanks and punctuation: what makes two names the same.

    Examples
    --------
    >>> key_of("C.B.T."), key_of("Client-centred"), key_of("sample size")
    ('cbt', 'clientcentred', 'samplesize')
    """
    folded = unicodedata.normalize("NFKC", text).casefold()
    return re.sub(r"[\s._\-–—/()'’,:]+", "", folded)


MODALITY = Vocabulary(
    "modality",
    ("CBT", "psychodynamic", "humanistic", "IPT", "systemic", "integrative", "third-wave",
     "motivational", "counselling", "group-specific", "supportive", "other", "mixed"),
    {
        "CBT": ("cognitive behavioural therapy", "cognitive behavioral therapy", "cognitive-behavioral",
                "cognitive behavioural", "CT", "cognitive therapy", "behaviour therapy",
                "behavior therapy", "behavioral", "behavioural", "BT", "exposure",
                "prolonged exposure", "iCBT", "behavioural activation", "behavioral activation"),
        "psychodynamic": ("PDT", "psychoanalytic", "insight-oriented", "dynamic", "psychoanalysis",
                          "STPP", "short-term dynamic", "psychodynamic therapy",
                          "supportive-expressive"),
        "humanistic": ("EFT", "client-centred", "client-centered", "person-centred",
                       "person-centered", "gestalt", "experiential", "emotion-focused",
                       "emotion focused therapy", "process-experiential", "existential"),
        "IPT": ("interpersonal therapy", "interpersonal psychotherapy", "interpersonal"),
        "systemic": ("family therapy", "couple therapy", "systemic therapy", "MDFT", "BSFT",
                     "functional family therapy"),
        "integrative": ("eclectic", "integrated", "CAT"),
        "third-wave": ("ACT", "DBT", "MBCT", "acceptance and commitment therapy", "third wave",
                       "dialectical behavior therapy", "dialectical behaviour therapy",
                       "mindfulness-based", "schema therapy", "MCT", "CBASP"),
        "motivational": ("MET", "MI", "motivational interviewing",
                         "motivational enhancement therapy"),
        "counselling": ("counseling", "counselling as usual", "drug counseling"),
        "supportive": ("supportive therapy", "SP"),
        "mixed": ("various", "multiple", "TAU", "treatment as usual", "several"),
        "other": ("miscellaneous",),
    },
    open=True,
)  # fmt: skip

ALLIANCE_MEASURE = Vocabulary(
    "alliance_measure",
    ("WAI", "WAI-S", "WAI-SR", "WAI-O", "HAq", "HAq-II", "CALPAS", "VPPS", "VTAS", "ARM", "SRS",
     "SAI", "STA", "TSR", "PSR", "TASC", "ARI", "CASF", "SOFTA", "KAS", "other"),
    {
        "WAI": ("Working Alliance Inventory",),
        "WAI-S": ("WAI short", "WAI short form", "WAIS"),
        "WAI-SR": ("WAI short revised",),
        "WAI-O": ("WAI observer", "WAI-O short"),
        "HAq": ("Helping Alliance Questionnaire", "PHA", "HAQ-I", "Penn Helping Alliance"),
        "HAq-II": ("HAQ2", "HAq II", "Helping Alliance Questionnaire II"),
        "CALPAS": ("California Psychotherapy Alliance Scales", "CALTRAS", "CALPAS-P"),
        "VPPS": ("Vanderbilt Psychotherapy Process Scale",),
        "VTAS": ("Vanderbilt Therapeutic Alliance Scale", "VTAS-R"),
        "ARM": ("Agnew Relationship Measure", "ARM-5"),
        "SRS": ("Session Rating Scale",),
        "SAI": ("Session Alliance Inventory",),
        "STA": ("Scale To Assess Therapeutic Alliance",),
        "TSR": ("Therapy Session Report",),
    },
    open=True,
    named=True,
)  # fmt: skip

OUTCOME_MEASURE = Vocabulary(
    "outcome_measure",
    ("BDI", "BDI-II", "HRSD", "MADRS", "PHQ-9", "QIDS", "CES-D", "GAD-7", "BAI", "STAI", "PSWQ",
     "SCL-90-R", "GSI", "BSI", "OQ-45", "CORE-OM", "IIP", "PCL", "CAPS", "IES-R", "Y-BOCS", "EDE",
     "ASI", "PANSS", "CBCL", "SDQ", "dropout", "GAF", "GAS", "SAS", "SAS-SR", "SOFAS", "ORS", "WHO-5", "SWLS", "QOLI", "CSQ-8",
     "CGI", "CGI-I", "CGI-S", "target complaints", "composite"),
    {
        "BDI": ("Beck Depression Inventory",),
        "BDI-II": ("BDI2", "Beck Depression Inventory II"),
        "HRSD": ("HAM-D", "HDRS", "HAMD", "Hamilton", "Hamilton Depression", "HRSD-17", "HAM-D-17"),
        "MADRS": ("Montgomery-Asberg",),
        "PHQ-9": ("PHQ", "Patient Health Questionnaire"),
        "CES-D": ("CESD",),
        "GAD-7": ("GAD7 scale",),
        "BAI": ("Beck Anxiety Inventory",),
        "SCL-90-R": ("SCL-90", "SCL", "Symptom Checklist", "Symptom Checklist 90"),
        "GSI": ("Global Severity Index", "SCL-90-R GSI", "BSI GSI", "SCL GSI"),
        "BSI": ("Brief Symptom Inventory", "BSI-18"),
        "OQ-45": ("OQ", "OQ-45.2", "Outcome Questionnaire", "Outcome Questionnaire 45"),
        "CORE-OM": ("CORE", "CORE-10", "Clinical Outcomes in Routine Evaluation"),
        "IIP": ("IIP-32", "IIP-64", "Inventory of Interpersonal Problems"),
        "PCL": ("PCL-5", "PTSD Checklist"),
        "IES-R": ("IES", "Impact of Event Scale"),
        "Y-BOCS": ("YBOCS",),
        "EDE": ("EDE-Q",),
        "ASI": ("Addiction Severity Index",),
        "dropout": ("drop-out", "drop out", "premature termination", "attrition"),
        "GAF": ("Global Assessment of Functioning", "GAS/GAF"),
        "SAS": ("Social Adjustment Scale",),
        "CGI-I": ("Clinical Global Impression improvement", "CGI improvement"),
        "CGI-S": ("Clinical Global Impression severity", "CGI severity"),
        "SOFAS": ("Social and Occupational Functioning Assessment Scale",),
        "ORS": ("Outcome Rating Scale",),
        "WHO-5": ("WHO5", "WHO-5 Well-Being Index"),
        "SWLS": ("Satisfaction With Life Scale",),
        "CSQ-8": ("CSQ", "Client Satisfaction Questionnaire"),
        "CGI": ("Clinical Global Impression",),
        "target complaints": ("TC",),
    },
    open=True,
    named=True,
)  # fmt: skip

#: Outcome measures on which a higher score is worse, and those on which it is better.
HIGHER_IS_WORSE = frozenset(
    {"BDI", "BDI-II", "HRSD", "MADRS", "PHQ-9", "QIDS", "CES-D", "GAD-7", "BAI", "STAI", "PSWQ",
     "SCL-90-R", "GSI", "BSI", "OQ-45", "CORE-OM", "IIP", "PCL", "CAPS", "IES-R", "Y-BOCS", "EDE",
     "ASI", "PANSS", "CBCL", "CGI-I", "CGI-S", "SAS-SR", "dropout"}
)  # fmt: skip
HIGHER_IS_BETTER = frozenset({"GAF", "GAS", "SOFAS", "ORS", "WHO-5", "SWLS", "QOLI", "CSQ-8"})

_RATERS = {
    "client": ("patient", "self", "self-report", "clt", "participant", "youth", "child",
               "consumer", "service user", "client-rated", "patient-rated", "self-rated"),
    "therapist": ("counsellor", "counselor", "provider", "therapist-rated"),
    "observer": ("observer-rated", "independent", "independent rater", "rater", "expert", "external", "assessor",
                 "interviewer"),
    "other": ("parent", "partner", "teacher", "records", "administrative"),
}  # fmt: skip
_RATER_LEVELS = ("client", "therapist", "observer", "other")
#: Who rates the alliance as a clinician is the therapist; who rates the outcome may be anybody.
_ALLIANCE_RATERS = {**_RATERS, "therapist": ("clinician", *_RATERS["therapist"])}
_CLINICIAN = ("clinician-rated", "clinician report", "clinician-administered", "clinicians")
_OUTCOME_RATERS = {**_RATERS, "clinician": _CLINICIAN}

_DIRECTION = ("higher_better", "lower_better")
_DIRECTIONS = {
    "higher_better": ("higher better", "higher is better", "positive", "high = better"),
    "lower_better": ("lower better", "lower is better", "negative", "low = better",
                     "higher_worse", "higher is worse", "reversed"),
}  # fmt: skip

#: Words that say in or out under any header.
SAID_IN = ("in", "incl", "include", "included", "eingeschlossen", "einschluss", "geïncludeerd",
       "geincludeerd", "inclus", "incluse", "inclure", "incluido", "incluida", "incluir", "incluso",
       "inclusa")  # fmt: skip
SAID_OUT = ("out", "excl", "exclude", "excluded", "ausgeschlossen", "ausschluss", "geëxcludeerd",
        "geexcludeerd", "uitgesloten", "exclu", "exclue", "exclure", "excluido", "excluida",
        "excluir", "escluso", "esclusa")  # fmt: skip

VOCABULARIES: dict[str, Vocabulary] = {
    v.name: v
    for v in (
        MODALITY,
        ALLIANCE_MEASURE,
        OUTCOME_MEASURE,
        Vocabulary(
            "source",
            ("journal", "book", "dissertation", "unpublished"),
            {"journal": ("article", "journal article"), "book": ("chapter", "book chapter"),
             "dissertation": ("thesis", "doctoral thesis", "phd thesis", "master thesis"),
             "unpublished": ("preprint", "report", "manuscript")},
            open=True,
        ),
        Vocabulary(
            "include",
            ("yes", "no"),
            {"yes": ("y", "1", "true", "x", "✓", "✔", "☑", "j", "ja", "oui", "si", "sí", "sì", "wahr",
                     "vrai", "verdadero", "vero", "waar", "eligible", *SAID_IN),
             "no": ("n", "0", "false", "✗", "✘", "nein", "nee", "non", "falsch", "faux", "falso",
                    "onwaar", "not eligible", "ineligible", *SAID_OUT)},
        ),
        Vocabulary("outcome_direction", _DIRECTION, _DIRECTIONS),
        Vocabulary("alliance_direction", _DIRECTION, _DIRECTIONS),
        Vocabulary(
            "sign", ("+", "-"),
            {"+": ("positive", "pos", "plus", "1", "+1", "＋"),
             "-": ("−", "–", "—", "‐", "‑", "－", "negative", "neg", "minus", "-1", "−1", "–1")},
            exact=True,
        ),
        Vocabulary(
            "alliance_subscale", ("total", "bond", "task", "goal"),
            {"total": ("overall", "full", "composite"), "bond": ("bonds", "relationship"),
             "task": ("tasks",), "goal": ("goals",)},
            open=True,
        ),
        Vocabulary("alliance_rater", _RATER_LEVELS, _ALLIANCE_RATERS, open=True),
        Vocabulary("outcome_rater", (*_RATER_LEVELS[:3], "clinician", "other"), _OUTCOME_RATERS,
                   open=True),
        Vocabulary(
            "alliance_time", ("early", "mid", "late", "averaged"),
            {"early": ("beginning", "first third", "session 1", "session 3", "session 4"),
             "mid": ("middle",), "late": ("end", "final", "termination"),
             "averaged": ("average", "mean", "aggregated", "all sessions")},
            open=True,
        ),
        Vocabulary(
            "reliability_source", ("this sample", "manual", "other"),
            {"this sample": ("sample", "own sample", "present sample", "study", "reported"),
             "manual": ("test manual", "validation study", "literature")},
            open=True,
        ),
        Vocabulary(
            "outcome_domain",
            ("symptom", "functioning", "wellbeing", "engagement", "adherence", "homework",
             "retention", "dropout", "satisfaction", "global", "other"),
            {"symptom": ("symptoms", "symptomatology"), "functioning": ("function", "social functioning"),
             "wellbeing": ("well-being", "quality of life"), "dropout": ("drop-out", "premature termination", "attrition"),
             "retention": ("completion", "completers", "treatment completion"),
             "adherence": ("compliance",), "global": ("general", "global outcome")},
            open=True,
        ),
        Vocabulary(
            "outcome_time", ("post", "follow-up", "dropout"),
            {"post": ("posttreatment", "post-treatment", "termination", "end of treatment", "post treatment"),
             "follow-up": ("followup", "follow up", "FU"), "dropout": ("drop-out",)},
            open=True,
        ),
        Vocabulary(
            "delivery", ("face-to-face", "internet", "telephone", "video", "blended"),
            {"face-to-face": ("f2f", "in person", "in-person", "office"), "internet": ("online", "web", "digital"),
             "telephone": ("phone",), "video": ("videoconference", "teletherapy", "videoconferencing")},
            open=True,
        ),
        Vocabulary(
            "format", ("individual", "group", "couple", "family"),
            {"individual": ("ind", "one-to-one"), "couple": ("couples", "marital"), "family": ("families",),
             "group": ("groups",)},
            open=True,
        ),
        Vocabulary(  # names of designs are kept: which of them are alike, the team says
            "design",
            ("RCT", "non-RCT", "quasi-experimental", "open trial", "uncontrolled", "naturalistic",
             "observational", "cohort", "other"),
            {"RCT": ("randomised controlled trial", "randomized controlled trial", "randomised",
                     "randomized")},
            open=True,
        ),
        Vocabulary("population", ("adult", "youth"), {
            "adult": ("adults",), "youth": ("adolescent", "adolescents", "child", "children", "young people"),
        }, open=True),
        Vocabulary(
            "setting",
            ("primary care", "outpatient", "inpatient", "specialised clinic", "counselling centre",
             "school", "workplace", "community", "research clinic"),
            {"specialised clinic": ("specialized clinic", "specialist clinic"),
             "counselling centre": ("counseling center", "university counseling center"),
             "outpatient": ("out-patient", "outpatients", "ambulatory"), "inpatient": ("in-patient", "hospital")},
            open=True,
        ),
        Vocabulary(
            "yi_measure", ("z", "r", "d", "g", "log_or"),
            {"z": ("fisher z", "fisher's z", "fisher_z", "zcor", "zr"),
             "r": ("cor", "correlation", "pearson r"), "d": ("cohen's d", "cohens d"),
             "g": ("hedges' g", "hedges g", "hedges's g", "SMD"),
             "log_or": ("lnor", "logor", "ln_or", "log odds ratio")},
        ),
        Vocabulary(
            "adjusted_for", ("none", "intake severity", "early change", "processes", "other"),
            {"none": ("no", "unadjusted", "zero-order", "nothing"),
             "intake severity": ("baseline", "baseline severity", "pretreatment severity", "intake",
                                 "initial severity", "pre-treatment severity", "severity"),
             "early change": ("prior change", "early improvement", "early symptom change"),
             "processes": ("process", "other processes")},
            open=True,
        ),
        Vocabulary(
            "estimand", ("total", "between_patient", "within_patient", "between_therapist"),
            {"between_patient": ("between", "between-person"), "within_patient": ("within", "within-person"),
             "between_therapist": ("therapist", "therapist-level")},
        ),
    )
}  # fmt: skip
