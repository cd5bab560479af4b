"""Names that other houses and languages give to the columns.

Each is taken only where no header of the sheet has a name of the column in the specification, and
where the values under it are of its kind; each use is a note.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from metaalliance.sheet.columns.words import folded, names, pieces
from metaalliance.sheet.read.grid import is_blank
from metaalliance.sheet.read.numbers import parse_number

#: By column, the words of headers, folded (no accents, blanks or points): packages for
#: meta-analysis first, then German, Dutch, French, Spanish, Italian.
_NAMES: dict[str, str] = {
    "study": """slab studlab studylabel studyname paper trial article studie studienname
        studienid studieid referenz onderzoek studienaam etude nomdeletude idetude estudio
        idestudio studio idstudio referencia riferimento authoryear authorsyear autorenjahr
        autoresano autoriano auteursannee auteursjaar autorjahr autorundjahr auteurjaar
        auteuranneee autorano autoreanno auteurannee firstauthor erstautor autor autoren
        autorinnen verfasser auteur auteurs autores autore autori premierauteur primerautor
        primoautore eersteauteur""",
    "year": """yop yearofpublication pubyear publyear yearpub yearpublished publicationyear
        jahr publikationsjahr erscheinungsjahr jaar publicatiejaar jaarvanpublicatie annee
        anneedepublication anneepublication ano anodepublicacion anopublicacion anno
        annodipubblicazione annopubblicazione""",
    "n": """ni ntot nall nobs nanalysiert nausgewertet ngeanalyseerd nanalizados nanalizzati
        samplesizen nsamplesize
        nfinal finaln nanalyzed nanalysed nanalysis nanalyzedsample analyzedn nused neff
        nsample samplen totalsample totalsamplesize finalsamplesize nparticipants
        numberofparticipants noofparticipants npatients nclients ngesamt gesamtn stichprobe
        stichprobengroesse stichprobengrosse stichprobenumfang fallzahl probanden stichproben
        stichprobenn totalnumberofparticipants totalparticipants numberofpatients
        numberofclients totalnanalysed totalnanalyzed steekproef steekproefgrootte
        steekproefomvang aantal aantaldeelnemers ntotaal totaaln effectif effectifs
        effectiftotal tailleechantillon tailledelechantillon taille ntotale tamanomuestra
        tamanodelamuestra tamanomuestral tamanodemuestra muestra numerosita numerositacampione
        numerositacampionaria ampiezzacampione dimensionecampione campione""",
    "r": """ri rxy rpearson pearsonsr rvalue rval corr correlationcoefficient
        pearsoncorrelation zeroorderr bivariater korrelation korrelationskoeffizient korr
        correlatie correlatiecoefficient coefficientdecorrelation correlacion
        coeficientedecorrelacion correlazione coefficientedicorrelazione correlationr
        correlationcoefficientr pearsoncorrelationr pearsonrr korrelationr correlatier
        correlacionr correlazioner rdepearson rvonpearson rvanpearson effektstarker effectsizer
        esr effektr""",
    "fisher_z": """zcor zfisher fisherzr fisherszr rtoz r2z rz esz yiz zes corz fisherrtoz
        fisherstransformedz zfish""",
    "yi": "te",
    "sign": "effectdirection vorzeichen richtungdeseffekts teken signe signo segno",
    "statistic": """effektmass effectmeasure effectsizemeasure typeofeffect effecttype
        effektstarkenmass""",
    "value": "wert waarde valeur valor valore",
    "sei": "sete seyi",
    "t": "twert tvalue twaarde valeurt valort valoret",
    "F": "fwert fwaarde valeurf valorf valoref",
    "p": "pwert pwaarde valeurp valorp valoredip valorep",
    "d": "cohend dcohen cohensd",
    "g": "hedgeg hedgesg ghedges",
    "ci_low": """lowci lowerci cilow cill llci lowercl cilower cil cilo lower95 ci95lower
        ci95low lowerlimit lowerbound lower ll lb lci untergrenze untereskonfidenzintervall
        kiunten ondergrens borneinferieure limiteinferior limiteinferiore icinf icinferior
        bilow""",
    "ci_high": """highci upperci cihigh ciul ulci uppercl ciupper ciu cihi upper95 ci95upper
        ci95high upperlimit upperbound upper ul ub uci obergrenze kioben bovengrens
        bornesuperieure limitesuperior limitesuperiore icsup icsuperior bihigh""",
    "outcome_measure": """outcomename outcomevariable outcomeinstrument ergebnismass
        outcomemass ergebnis ergebnisvariable zielgrosse zielgroesse zielvariable uitkomst
        uitkomstmaat mesurederesultat critere variabledependante resultado medidaderesultado
        medidaresultado misuradiesito esito misuraesito""",
    "alliance_measure": """allianzmass allianzinstrument allianzskala alliantiemaat
        alliantieinstrument mesuredelalliance mesurealliance instrumentalliance medidadealianza
        medidaalianza misuraalleanza misuradialleanza""",
    "alliance_rater": """beurteiler beurteilerperspektive raterperspektive perspektive
        beoordelaar perspectief evaluateur perspectiveevaluateur evaluador perspectiva
        valutatore prospettiva allianceratedby ratedby""",
    "modality": """therapieform therapieverfahren therapieverfahrn verfahren behandlung
        therapie behandlungsform therapierichtung behandeling therapievorm traitement approche
        approchetherapeutique tratamiento modalidad enfoque terapia trattamento approccio
        orientamento psychotherapy typeoftherapy typeoftreatment""",
    "country": "land pays pais paese countryinwhichthestudyconducted",
    "diagnosis": """diagnose storung storungsbild stoerung diagnostic diagnostico diagnosi
        stoornis""",
    "notes": """bemerkung bemerkungen anmerkung anmerkungen kommentar kommentare opmerking
        opmerkingen remarque remarques commentaire commentaires observaciones comentarios
        commenti osservazioni""",
    "percent_female": """frauenanteil anteilfrauen prozentfrauen percentagevrouwen pctfemale
        percfemale femaleperc femalepercent propfemale percentwomen""",
    "include": """included inclusion inclusionstatus eligible eligibility eligiblestudy decision
        finaldecision fulltextdecision screeningdecision includeexclude inorout inout useinma
        useinmeta useinmetaanalysis useinanalysis inma inmeta inmetaanalysis includeinma
        includeinmeta includeinmetaanalysis includeinanalysis includedinma includedinmeta
        includedinmetaanalysis includedinanalysis einschluss einschliessen eingeschlossen
        einbezogen entscheidung inmetaanalyse inclusie geincludeerd includeren
        beslissing inclus incluse inclure incluido incluida incluir decisiondinclusion elegible
        incluso inclusa inclusione includere decisione eleggibile""",
    "exclusion_reason": """ausschlussgrund ausschlussgrunde grundfurausschluss reasonexcluded
        redenexclusie redenuitsluiting motifdexclusion raisondexclusion motivodeexclusion
        razondeexclusion motivodiesclusione motivoesclusione""",
    "mean_age": """alter mittleresalter durchschnittsalter leeftijd gemiddeldeleeftijd agemoyen
        edad edadmedia etamedia agemean meanage magedyears""",
}  # fmt: skip

#: Headers of columns that mark what is left out.
_EXCLUDING = names(
    """exclude excluded excl exclusion excludedstudy omit omitted excludefromma excludedfromma
    excludefromanalysis excludedfromanalysis excludefrommetaanalysis excludedfrommetaanalysis
    ausschluss ausschliessen ausgeschlossen exclusie excluderen geexcludeerd uitgesloten
    uitsluiten exclu exclue exclure excluido excluida excluir escluso esclusa esclusione
    escludere ineligible noteligible"""
)
#: Articles and prepositions, which one team writes and another leaves out.
_SMALL = names("the of de del della dell di la le les il el l d du des der die das van het von")
_COLUMN_OF = {word: column for column, words in _NAMES.items() for word in words.split()}


def other_name(header: str) -> str | None:
    """Return the column that a header of another house or language names, or None.

    Examples
    --------
    >>> other_name("Stichprobengröße"), other_name("N (final)"), other_name("seTE")
    ('n', 'n', 'sei')
    """
    name = folded(header)
    if name in _EXCLUDING:
        return "include"
    bare = "".join(w for w in pieces(header) if w not in _SMALL)
    return _COLUMN_OF.get(name) or _COLUMN_OF.get(name.replace("95", "")) or _COLUMN_OF.get(bare)


def excludes(header: str) -> bool:
    """Whether a header of `include` marks what is left out: yes under Excluded is no."""
    return folded(header) in _EXCLUDING


# Groups ---------------------------------------------------------------------------------------

_ROLES: dict[str, frozenset[str]] = {
    "mean": names("m mean means mw mittelwert mittelwerte moyenne moy media gemiddelde gem avg x"),
    "sd": names("sd sds stdev std stddev standarddeviation s et ecarttype ds de dt dev "
                "standardabweichung standaarddeviatie standaardafwijking desviacion deviazione "
                "desviacionestandar desviaciontipica deviazionestandard"),
    "n": names("n nobs size samplesize ss"),
    "events": names("event events ev responders cases"),
    "pos": names("pos positive yes"),
    "neg": names("neg negative no"),
    "total": names("total totaln ntotal totals"),
}  # fmt: skip
_SIDES: dict[str, frozenset[str]] = {
    "1": names("1 1i i e t exp exper experimental experimentell experimentalgruppe eg ig vg ge int "
               "interv intervention interventie interventionsgruppe tx treat treatment treated trt "
               "behandlung behandeling traitement tratamiento trattamento sperimentale active high "
               "hi hoch hoog haut alto gexp tg"),
    "2": names("2 2i c ctrl ctl con cont control controls kg cg kontrolle kontrollgruppe kontroll "
               "controle controlegroep comparison comp compar wl waitlist gc controllo placebo low "
               "lo tief niedrig laag bas bajo basso cgroup"),
}  # fmt: skip
_FILLERS = names("group groups grp gruppe groep groupe grupo gruppo arm arms of the in de la del "
                 "der post value val")  # fmt: skip
_SHORT = {
    f"{a}{b}": (role, side)
    for role, stems in {"mean": "m", "sd": "sd s", "n": "n", "events": "ev"}.items()
    for stem in stems.split()
    for side, ends in {"1": "i e t x", "2": "c k"}.items()
    for end in ends.split()
    for a, b in ((stem, end), (end, stem))
} | {f"{side}{role}": (role, number) for side, number in (("t", "1"), ("c", "2"))
     for role in ("pos", "neg")}  # fmt: skip
_OF_EVENTS = {"ai": ("events", "1"), "ci": ("events", "2")}
#: The columns of each set that only counts together.
_COLUMNS = {("mean", "1"): "mean1", ("sd", "1"): "sd1", ("n", "1"): "n1",
            ("mean", "2"): "mean2", ("sd", "2"): "sd2", ("n", "2"): "n2"}  # fmt: skip
_COUNTS = {("pos", "1"): "cell_a", ("neg", "1"): "cell_b",
           ("pos", "2"): "cell_c", ("neg", "2"): "cell_d"}  # fmt: skip
_EVENTS = {("events", "1"): "events1", ("total", "1"): "total1",
           ("events", "2"): "events2", ("total", "2"): "total2"}  # fmt: skip
_CELLS = {"a": "cell_a", "b": "cell_b", "c": "cell_c", "d": "cell_d"}


def grouped_names(
    headers: Sequence[str], columns: Sequence[Sequence[Any]], known: Mapping[str, str]
) -> dict[str, str]:
    """Return the columns of two groups and of a fourfold table, by header.

    Short names such as ``m_i`` or ``Ne`` mean something only where the whole set stands: means,
    standard deviations and sizes of both groups; events and totals of both; four counts; the sizes
    of both groups, where they add up to n.

    Parameters
    ----------
    headers : sequence of str
        Headers of the sheet.
    columns : sequence of sequence
        The values under each.
    known : mapping of str to str
        Header by column, where another name is known already.
    """
    lower = {h.strip().lower(): h for h in headers}
    sets: dict[str, str] = {}
    for ending in ("", "i"):
        if all(f"{key}{ending}" in lower for key in _CELLS):
            sets = {lower[f"{key}{ending}"]: column for key, column in _CELLS.items()}
    found: dict[tuple[str, str], list[int]] = {}
    for index, header in enumerate(headers):
        place = _role_and_side(header)
        if place is not None and _holds_numbers(columns[index]):
            found.setdefault(place, []).append(index)
    one = {
        place: at for place, indices in found.items() if (at := _only(indices, headers)) is not None
    }
    for side in "12":  # the n of events is the total
        if ("total", side) not in one and ("n", side) in one:
            one["total", side] = one["n", side]
    for columns_of_set in (_COUNTS, _COLUMNS, _EVENTS):
        whole = all(place in one for place in columns_of_set)
        if whole and not (sets and columns_of_set is _EVENTS):
            sets |= {headers[one[place]]: column for place, column in columns_of_set.items()}
    sizes = [one.get(("n", side)) for side in "12"]
    if not sets and None not in sizes and _add_up(sizes, headers, columns, known):
        sets = {
            headers[i]: f"n{side}" for side, i in zip("12", sizes, strict=True) if i is not None
        }
    return sets


def _only(indices: list[int], headers: Sequence[str]) -> int | None:
    """The only column of a number and group: of several, the one that spells them out."""
    spelt = [i for i in indices if len(pieces(headers[i])) > 1]
    chosen = indices if len(indices) == 1 else spelt
    return chosen[0] if len(chosen) == 1 else None


def _role_and_side(header: str) -> tuple[str, str] | None:
    """What number of which group a header names: ``mean_arm1``, ``tSD``, ``MW_EG``, ``nc``."""
    parts = _joined(pieces(header))
    bare = [w for w in parts if w not in _FILLERS]
    if len(bare) == 1 and len(parts) == 1:
        return _SHORT.get(bare[0]) or _OF_EVENTS.get(bare[0])
    return _of_words(bare) or _of_words(parts)  # the Spanish de is a standard deviation too


def _joined(words: Sequence[str]) -> list[str]:
    """Words with the two of a standard deviation as one: ``écart-type1``."""
    for i, pair in enumerate(pairwise(words)):
        if "".join(pair) in _ROLES["sd"] and all(len(w) > 2 for w in pair):
            return [*words[:i], "".join(pair), *words[i + 2 :]]
    return list(words)


def _of_words(words: list[str]) -> tuple[str, str] | None:
    """The number and the group of two words."""
    if any(w in {"1", "2"} for w in words):
        words = [w for w in words if w not in {"i", "g", "t"}]
    for role, known in _ROLES.items():
        for word in words:
            left = list(words)
            left.remove(word)
            if word in known and len(left) == 1:
                side = next((s for s, ends in _SIDES.items() if left[0] in ends), None)
                if side is not None:
                    return role, side
    return None


def _holds_numbers(values: Sequence[Any]) -> bool:
    """Whether a column holds numbers and little else."""
    parsed = [parse_number(v) for v in values if not is_blank(v)]
    numbers = sum(p.value is not None for p in parsed)
    others = sum(p.value is None and not p.missing for p in parsed)
    return numbers > others


def _add_up(
    sizes: Sequence[int | None], headers: Sequence[str], columns: Sequence[Sequence[Any]],
    known: Mapping[str, str],
) -> bool:  # fmt: skip
    """Whether the sizes of two groups add up to n wherever all three stand."""
    if "n" not in known or known["n"] not in headers:
        return True
    at = headers.index(known["n"])
    rows = zip(*(columns[i] for i in (at, *sizes) if i is not None), strict=False)
    for row in rows:
        n, *parts = (parse_number(v).value for v in row)
        if n is not None and None not in parts and sum(p for p in parts if p) != n:
            return False
    return True
