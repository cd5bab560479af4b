"""Every message by its stable code: what it means and what to do.

`metaalliance explain CODE`, the documentation and the tests read this table. A code never
changes its meaning; a retired code is not used again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Message:
    """What a code stands for.

    Attributes
    ----------
    title : str
        The rule in one line.
    severity : str
        What it does to the analysis.
    explanation, remedy : str
        Why it matters, and what to do.
    """

    title: str
    severity: Literal["error", "warning", "note"]
    explanation: str
    remedy: str


def _error(title: str, explanation: str, remedy: str) -> Message:
    return Message(title, "error", explanation, remedy)


def _warning(title: str, explanation: str, remedy: str) -> Message:
    return Message(title, "warning", explanation, remedy)


def _note(title: str, explanation: str, remedy: str) -> Message:
    return Message(title, "note", explanation, remedy)


_FILE = {
    "MA120": _error(
        "not a conflicts workbook",
        "Its sheets are not those that metaalliance agree writes, or the hidden ones were changed.",
        "Make it again with metaalliance agree; sort and filter, but leave hidden sheets alone.",
    ),
    "MA130": _error(
        "the file is of no known house",
        "metaalliance import reads RevMan, Covidence, metapsy, Comprehensive Meta-Analysis and "
        "wide sheets, each told by its headers; this file has none of their layouts.",
        "For a sheet of your own use metaalliance init; where headers were renamed, restore them.",
    ),
    "MA131": _error(
        "the sheet needs no import",
        "It has one row for each effect, with a study and a statistic, as every command reads it.",
        "Use it as it is: metaalliance validate.",
    ),
    "MA132": _error(
        "several reviewers and no consensus",
        "Covidence exports a row for each reviewer; without a consensus two codings of one study "
        "would count as two effects.",
        "Complete the consensus, or import each coding with --reviewer and compare them with "
        "metaalliance agree.",
    ),
    "MA133": _error(
        "the export has no column of a statistic",
        "None of its headers names a correlation or a statistic that becomes one.",
        "Name the questions of the form like the columns of the template, or rename headers.",
    ),
    "MA134": _error(
        "the file is not of the house that --from names",
        "It lacks the headers by which that house's files are told.",
        "Leave --from out, or export again.",
    ),
    "MA135": _error(
        "rows are arms of studies",
        "Covidence's Extraction 1 has a row for each arm and headers in the team's own words; "
        "which arms and numbers make an effect cannot be told.",
        "Enter the numbers into metaalliance template, or use Extraction 2.",
    ),
    "MA136": _error(
        "the file holds no effect",
        "It has the headers of its house, but no row of data that can be an effect.",
        "Check that the export is complete.",
    ),
    "MA101": _error(
        "the file cannot be opened",
        "There is no such file, it is a folder, or the system refuses to open it.",
        "Check the path. On Windows, close the workbook in Excel first.",
    ),
    "MA102": _error(
        "the file is empty", "The file holds no bytes or no cells.", "Export the sheet again."
    ),
    "MA103": _error(
        "the workbook is encrypted",
        "A workbook with a password cannot be read.",
        "In Excel: File, Info, Protect Workbook, Encrypt with Password, and clear the password.",
    ),
    "MA104": _error(
        "the file is of another type",
        "Its content is not that of a file this tool reads: .xlsx, .xlsm, .xlsb, .ods, .csv, .tsv, "
        ".omv, .jasp, and with the extra 'formats' .xls, .sav, .dta, .rds, .rda, .parquet.",
        "Open it in a spreadsheet program and save it as .xlsx.",
    ),
    "MA105": _error(
        "the workbook is broken",
        "The file begins like a workbook but its parts cannot be read.",
        "Open it in a spreadsheet program, let that repair it, and save it again.",
    ),
    "MA106": _error(
        "the workbook is unsafe",
        "It has parts that no spreadsheet program writes: entity declarations, paths that leave "
        "the archive, or parts that unpack to far more than they hold.",
        "Do not open it. Ask its sender for a fresh export.",
    ),
    "MA107": _error(
        "the file is too large",
        "It exceeds the bounds that keep reading within seconds and memory; "
        "docs/sheets/limits.md lists each.",
        "Delete unused sheets, rows, columns and formatting, then save again.",
    ),
    "MA108": _error(
        "the text cannot be decoded",
        "The bytes are neither UTF-8, UTF-16 nor Windows-1252 text.",
        "Save the sheet as 'CSV UTF-8' or .xlsx.",
    ),
    "MA109": _note(
        "macros are ignored", "The workbook has macros; they are not run.", "Nothing to do."
    ),
    "MA110": _warning(
        "values come from another workbook",
        "Formulas link to other files; the values stored at the last save are used.",
        "Open the workbook with its sources once, save it, and check the values.",
    ),
    "MA112": _note(
        "a format that shows less",
        "The readers of .xls and .xlsb do not show formulas, so that a row of sums is known by "
        "its label only.",
        "Prefer .xlsx.",
    ),
    "MA113": _note(
        "a variable is known by its label",
        "The name of the variable says nothing, such as V12; the label that the file gives it is "
        "the name of a column, such as Sample size, and is taken for its header.",
        "Check the variable; name another one under [columns] of metaalliance.toml.",
    ),
    "MA114": _note(
        "value labels in place of codes",
        "The file labels the codes of the variable. The labels are its levels; a code without "
        "one stays as it is.",
        "Check the labels.",
    ),
    "MA115": _note(
        "codes declared missing",
        "The file declares codes of the variable as missing; they are blank here.",
        "Check the declaration.",
    ),
    "MA116": _note(
        "single precision",
        "Every number of the variable was stored in four bytes, which hold seven digits: .35 "
        "comes back as .3499999940395355. They are rounded to seven digits.",
        "Nothing to do; store numbers in double precision.",
    ),
    "MA117": _note(
        "dates and times as text",
        "Dates, times and durations of a data file are written as text: 2020-01-31, 2020-Q1, "
        "30:15:00.",
        "Nothing to do.",
    ),
    "MA118": _warning(
        "codes with one label",
        "Several codes of the variable have the same label, so that they are one level now.",
        "Give each code a label of its own, or check that one level is meant.",
    ),
    "MA119": _warning(
        "rows filtered in another program",
        "The file holds a filter, by which its program left rows out. Every row is read here.",
        "Set include = no, with a reason, where rows shall be left out.",
    ),
    "MA121": _error(
        "the reader is not installed",
        "Files of Excel before 2007 (.xls), SPSS, Stata, R and Parquet need further libraries.",
        "Install them: pip install 'metaalliance[formats]'.",
    ),
    "MA122": _warning(
        "a column without single values",
        "A column of a data frame holds lists, tables or binary data; it is not read.",
        "Save its values as plain columns, if they are needed.",
    ),
    "MA123": _note(
        "what the file says beside its values",
        "R and other programs store facts beside the values: the measure of an effect, names of "
        "rows, columns of a matrix. Those that are used here are named.",
        "Check them.",
    ),
    "MA124": _error(
        "no data frame",
        "The R file holds a model, a list, a vector or a function, and no data frame.",
        "Save the data frame itself: saveRDS(dat, 'dat.rds').",
    ),
    "MA125": _note(
        "labels of single numbers",
        "Most values of the variable have no label, so that it is read as the numbers that it "
        "holds; its labels say what some of them mean.",
        "Label every value, or write the labels as text, where levels are meant.",
    ),
    "MA111": _note(
        "the text format was detected",
        "Encoding, separator or decimal comma of a text file were found from its content.",
        "Check the first rows in the study table.",
    ),
}

_SHEET = {
    "MA201": _error(
        "no sheet has the needed columns",
        "A header row with 'study' and at least one statistic must stand in the first 20 rows.",
        "Name the columns as in the template, or choose the sheet with --sheet.",
    ),
    "MA202": _error(
        "several sheets qualify",
        "More than one visible sheet has the needed columns.",
        "Choose one with --sheet.",
    ),
    "MA203": _error("there is no such sheet", "The named sheet does not exist.", "Check --sheet."),
    "MA204": _error(
        "a column stands twice",
        "Two columns have the same name or aliases of one name, so that a value is ambiguous.",
        "Delete or rename one of them.",
    ),
    "MA205": _note(
        "a column is not known",
        "Its values are kept as a possible moderator and otherwise not used.",
        "Rename it if it was meant as one of the known columns.",
    ),
    "MA206": _note(
        "a header alias was accepted",
        "The column was recognised under another name.",
        "Nothing to do if the reading is right.",
    ),
    "MA207": _note(
        "the header is not in row 1", "Rows above the header are ignored.", "Check that row."
    ),
    "MA208": _error(
        "the sheet has no rows", "There is a header but no row under it.", "Add the studies."
    ),
    "MA209": _warning(
        "hidden rows or columns were read",
        "Hidden or filtered rows and hidden columns count like all others.",
        "Unhide them to check; set include = no for rows that are not meant.",
    ),
    "MA210": _error(
        "merged cells hold data",
        "Only the first cell of a merged range has a value; which rows it stands for is a guess.",
        "Unmerge the cells and fill in every row, or set fill_down in metaalliance.toml: a cell "
        "merged over several rows of a study then stands for all of them.",
    ),
    "MA211": _warning(
        "a gap of blank rows",
        "Rows follow after blank rows; they are read.",
        "Delete the blank rows, or the rows below them if they are notes.",
    ),
    "MA213": _error(
        "a mapped header is missing",
        "The configuration names a header that the sheet does not have, so that its column would "
        "be lost.",
        "Correct [columns] in metaalliance.toml, or the header.",
    ),
    "MA222": _error(
        "the configuration was written for other headers",
        "Most headers under [columns] of metaalliance.toml, which lies beside the file or above "
        "it, stand nowhere in the file: they are those of another one.",
        "Correct [columns]; or write a configuration for this file with metaalliance init -o, and "
        "give every command --config.",
    ),
    "MA214": _warning(
        "the sheet 'studies' is not joined",
        "It has no header row with the study label in its first 20 rows.",
        "Name its label column study, or rename the sheet.",
    ),
    "MA215": _warning(
        "the codebook gives levels to a column that has none",
        "Only columns with a vocabulary have levels.",
        "Delete the row of the codebook, or use another column.",
    ),
    "MA223": _error(
        "the codebook puts a name under two levels",
        "A name stands for one level of its column, and levels that decide a sign, a number or a "
        "row keep their names.",
        "Leave the name on one row of the codebook.",
    ),
    "MA216": _error(
        "a number stands under no header",
        "It would be lost. In a text file a decimal comma may have split a number in two.",
        "Give the column a header, delete the number, or use another separator.",
    ),
    "MA217": _warning(
        "a text stands under no header",
        "It is not read.",
        "Move it to the column notes.",
    ),
    "MA218": _note(
        "a column of row numbers",
        "Programs such as R write the number of each row beside the data. It is not read.",
        "Nothing to do; give the column a header if it means something.",
    ),
    "MA219": _warning(
        "further effects stand side by side",
        "One row is one effect. Columns such as r_mood and r_sleep hold further effects of the "
        "study, which are not read.",
        "Make one row of each effect with metaalliance import, or ignore this if they repeat it.",
    ),
    "MA220": _warning(
        "a known header stands over other values",
        "Letters under r, deviations under year or words under age are not what the name says. "
        "The column is kept as one of your own.",
        "Rename it, or correct its cells.",
    ),
    "MA221": _warning(
        "a column with the name of a statistic contradicts r",
        "Women under F, weeks under t or dropouts under d are no statistics. In most rows the "
        "column gives another correlation than r beside it. It is kept as one of your own.",
        "Rename it. If it is the statistic, map it in [columns] or name it in the statistic "
        "column, and correct r.",
    ),
    "MA226": _warning(
        "a column looks like a direction and is not read",
        "A direction turns the sign of an effect, so only outcome_direction and alliance_direction "
        "are read, or what is mapped to them. The sign of each effect stays as it was coded.",
        "Map it in [columns], and its words in [vocabulary]; or name it under moderators if it is "
        "no direction.",
    ),
    "MA212": _warning(
        "a header nearly matches a known column",
        "The column is not used, but its name is close to one that is.",
        "Correct the header, or ignore this if another variable is meant.",
    ),
}

_CELL = {
    "MA301": _error(
        "every row needs a study label",
        "Effects of one study are dependent, so that a row without a study cannot be placed.",
        'Enter the label in every row; or set fill_down = ["study"] in metaalliance.toml where a '
        "study is named in its first row only.",
    ),
    "MA302": _error(
        "the cell is not a number",
        "The text holds no number, or more than one reading is possible.",
        "Enter the number alone; put remarks into the notes column.",
    ),
    "MA303": _error(
        "the cell holds a spreadsheet error",
        "Values such as #DIV/0! or #N/A come from a formula that failed.",
        "Correct the formula or enter the value.",
    ),
    "MA304": _error(
        "the formula has no stored value",
        "The file was written by a program that does not compute formulas; they are not "
        "evaluated here.",
        "Open the workbook in a spreadsheet program and save it, or enter the value.",
    ),
    "MA305": _error(
        "the cell holds a date",
        "Spreadsheets turn entries such as 1-2 or 2/3 into dates; what was typed is lost.",
        "Format the cell as text or number and enter the value again.",
    ),
    "MA306": _error(
        "the cell holds a time",
        "A time of day stands where a number is needed.",
        "Format the cell as number and enter the value again.",
    ),
    "MA307": _error(
        "the cell holds TRUE or FALSE",
        "A logical value stands where a number is needed.",
        "Enter the number.",
    ),
    "MA308": _error(
        "the cell holds a percentage",
        "35% can mean r = .35, or 35% of variance explained.",
        "Enter r as a proportion (.35), or use r_squared for variance explained.",
    ),
    "MA309": _error(
        "the cell holds an inequality",
        "p < .05 is no value; which p it stands for is a choice of the team.",
        "Enter the exact statistic, or the bound itself as a deliberate conservative choice.",
    ),
    "MA310": _note(
        "a token for a missing value",
        "NR, n/a, not reported and the words that the team declares are read as missing, never as "
        "zero or as a level. The marks -, ? and . are missing where they are no level: not in "
        "sign, nor beside + and other marks of a rating.",
        "Nothing to do; declare further words under missing in metaalliance.toml.",
    ),
    "MA311": _note(
        "a number was normalised",
        "A typographic minus, missing leading zero, footnote mark, decimal comma, label or blank "
        "was removed to read the number.",
        "Check the value in the ledger.",
    ),
    "MA312": _error(
        "a correlation lies between −1 and 1",
        "|r| ≥ 1 has no Fisher z. Often a decimal point was lost, or a percentage was entered.",
        "Correct the cell.",
    ),
    "MA313": _error(
        "the number is outside its range",
        "The statistic cannot take this value.",
        "Correct the cell.",
    ),
    "MA314": _error(
        "the number must be whole",
        "Counts are whole numbers. Of people, halves, thirds and quarters are read too (n, n1, n2, "
        "total1, total2): a group that was split between comparisons (MA341). A mean or a forecast "
        "of several sample sizes is no number of people.",
        "Enter the people behind this effect; of a mean the next smaller whole number, or one row "
        "for each sample.",
    ),
    "MA315": _error(
        "a non-significant result needs a policy",
        "'n.s.' reports no value. Coding it as zero, dropping it, taking p = .50, or taking it as "
        "the interval between its critical values are choices that move the result, so that the "
        "team has to make one.",
        "Use --nonsignificant zero, drop, half-p or censored, or enter the statistic.",
    ),
    "MA316": _warning(
        "the policy for non-significant results was applied",
        "The row stands for a result that was reported as not significant without a value.",
        "Say in the paper how many rows this concerns; compare the policies.",
    ),
    "MA329": _warning(
        "a number looks like a code for a missing value",
        "-999 and its like stand among numbers that are not negative, or among levels; 99, 999 or "
        "9999 stands far above every other number, or .99 repeats far from every other r. They "
        "are read as they stand.",
        'Declare them in metaalliance.toml: missing = ["-999"].',
    ),
    "MA321": _error(
        "Fisher's z needs n > 3",
        "The sampling variance is 1 / (n − 3).",
        "Correct n, or set include = no with a reason.",
    ),
    "MA330": _error(
        "fill_down names what cannot be filled",
        "The name is no column of the sheet, or the column holds a part of one row's result, which "
        "a blank cell of another row does not share.",
        "Correct the name, or take it out of fill_down in metaalliance.toml.",
    ),
    "MA331": _error(
        "the value is not in the vocabulary",
        "The column decides a sign, a number or which rows are used; a value that is not known "
        "cannot.",
        "Use one of the listed values.",
    ),
    "MA332": _note(
        "a vocabulary alias was accepted",
        "The value was recognised under another name.",
        "Nothing to do if the reading is right.",
    ),
    "MA333": _note(
        "a label was normalised",
        "Unicode form, blanks or quotes of a study label were unified, so that it matches itself.",
        "Nothing to do.",
    ),
    "MA334": _warning(
        "levels that the vocabulary does not have",
        "They are kept as levels of their own, so that a misspelt one would count beside the right "
        "one in every moderator test.",
        "Correct misspelt values; enter the others under [vocabulary] in metaalliance.toml. "
        "metaalliance vocabulary lists the levels of a column with their other names.",
    ),
    "MA355": _warning(
        "a name with several meanings",
        "EFT is emotion-focused therapy or emotionally focused couple therapy, DAS the Dyadic "
        "Adjustment Scale or the Dysfunctional Attitude Scale. Which of them is meant decides a "
        "moderator, or on which side of the scale a higher score lies; so it is not guessed, and "
        "the name is kept as a level of its own.",
        "Enter one of the names that the message lists; or say under [vocabulary] in "
        "metaalliance.toml, or in the codebook, which level the name stands for.",
    ),
    "MA335": _warning(
        "a setting names a column that the sheet does not have",
        "What the configuration says about it has no effect.",
        "Correct the name under missing or fill_down in metaalliance.toml, or the header.",
    ),
    "MA336": _note(
        "one label stands for several studies",
        "Figures and tables add the study in brackets, so that the labels can be told apart.",
        "Nothing to do; or enter labels of your own in the column label.",
    ),
    "MA337": _error(
        "a blank year leaves the report open",
        "Author and year are the study, the author has several reports, and this row has no year.",
        "Enter the year.",
    ),
    "MA338": _note(
        "a year with words or a range",
        "Of several years the first is read; in press, n.d. and the like are no year, and missing "
        "as a moderator. What stands in the cell still tells reports apart (2001a, 2001b).",
        "Nothing to do if the reading is right.",
    ),
    "MA339": _warning(
        "an error or an empty formula in a column of the team",
        "It is read as missing, and is no level.",
        "Correct the formula, or enter the value.",
    ),
}

_CELL |= {
    "MA340": _warning(
        "proportions in a column of percentages",
        "A share of women of .45 beside 52 would count as half a percent.",
        "Enter percentages from 0 to 100 in every row.",
    ),
    "MA341": _note(
        "a part of a person",
        "Halves, thirds and quarters come from groups that were split between comparisons; they, "
        "and an n that counts such a group, are used as they stand.",
        "Nothing to do if a group was split; else enter the people behind this effect.",
    ),
    "MA343": _warning(
        "a standard error of two meanings",
        "Beside an odds or risk ratio it may be that of the ratio or that of its logarithm, so "
        "that it is not used.",
        "Enter the confidence limits, or log_odds_ratio with its se.",
    ),
    "MA344": _warning(
        "words or ranges among numbers",
        "Most cells of the column are numbers. Words beside them are read as missing; where some "
        "hold other text with digits (12-16, 24+), all cells are read as levels.",
        "Enter the number alone, or nothing; or name the levels of the column under [vocabulary] "
        "in metaalliance.toml.",
    ),
    "MA345": _error(
        "a direction of the scale or of the effect",
        "Positive and negative stand where the effect is positive and negative: they may restate "
        "its sign, or say whether a higher score is better. The second turns the sign of every "
        "negative effect.",
        "Rename the column to sign, or enter higher_better and lower_better.",
    ),
    "MA346": _warning(
        "directions of the outcome that agree with the signs of the effects",
        "Positive and negative stand where the effect is positive and negative, so that every "
        "effect becomes positive. Scales may explain it; or the words restate the sign.",
        "Rename the column to sign, or enter higher_better and lower_better.",
    ),
    "MA347": _warning(
        "statistics of a row have opposite signs",
        "What is adjusted for other variables may differ in sign from a correlation, and a rank "
        "correlation near 0 from r; a sign that was lost or turned once looks the same.",
        "Check both signs in the source.",
    ),
    "MA348": _warning(
        "a variance of very many people",
        "n is not known, and the standard error, interval or variance is that of more than "
        "100,000 people; such a row outweighs all others. A decimal or the scale may be wrong.",
        "Check the value and its scale; enter n.",
    ),
    "MA349": _note(
        "the variance of yi is that of n",
        "The effect is stated to be z or r and has no variance of its own; that of a correlation "
        "of n people is 1 / (n − 3) on Fisher's scale.",
        "Nothing to do; enter vi where the effect is adjusted or averaged.",
    ),
    "MA126": _warning(
        "a number about a scale is read as missing",
        "A range, a remark or an impossible value stands for a reliability or a number of items. "
        "No effect needs it; a correction for unreliability goes without it.",
        "Enter one number: reliabilities from 0 to 1 (.78) or with % (78%).",
    ),
    "MA350": _note(
        "an interval in one cell",
        "[.10, .35], .10 to .35, 0,10–0,35 and the like, in a column of their own or behind the "
        "value (r = .23 [.10, .35]), are read as ci_low and ci_high. A hyphen may be a minus: of "
        "two readings the one counts that the value lies in, where it lies in one only. Another "
        "level than 95 in the cell or the header is read as ci_level.",
        "Check the limits in the ledger.",
    ),
    "MA351": _error(
        "an interval that cannot be read",
        "The cell holds no two numbers, its first limit is the larger, it can be read in two ways, "
        "or ci_low, ci_high or ci_level of the row say something else. It is a warning in rows "
        "whose variance comes from n.",
        "Enter the limits in ci_low and ci_high, or as [.10, .35].",
    ),
    "MA352": _note(
        "the interval of another statistic",
        "An interval behind a value belongs to that statistic. The row is read by another one, "
        "whose limits they are not.",
        "Nothing to do; name the statistic in the statistic column where the other one is meant.",
    ),
    "MA342": _warning(
        "an inequality is read as missing",
        "It is no value, and the column decides no effect: the row is used without it.",
        "Enter the exact value, or the bound itself as a conservative choice.",
    ),
}

_ROW = {
    "MA401": _error(
        "the row has no statistic",
        "No column of the row holds a statistic that can be converted.",
        "Enter one, or set include = no with a reason.",
    ),
    "MA402": _error(
        "the statistic carries no sign",
        "F, chi², R², eta² and p do not say in which direction the association goes.",
        "Enter + or − in the sign column: the sign of the reported association.",
    ),
    "MA403": _error(
        "the conversion needs another column",
        "The statistic cannot be converted without it.",
        "Enter the missing value.",
    ),
    "MA404": _error(
        "statistics of the row disagree",
        "Two statistics of one row give correlations that differ by more than rounding, so that "
        "at least one is wrong or belongs to another analysis.",
        "Check the source; name the right one in the statistic column, or delete the other.",
    ),
    "MA405": _error(
        "F has more than one numerator degree of freedom",
        "Such an F compares several groups and holds no single correlation.",
        "Use the means, or a contrast with one degree of freedom.",
    ),
    "MA406": _error(
        "variance explained by several predictors",
        "R² or eta² of a model with other predictors is no squared correlation.",
        "Enter the partial or semi-partial correlation of the alliance.",
    ),
    "MA407": _error(
        "the beta cannot be converted",
        "Peterson and Brown's formula was fitted to |beta| ≤ .5; --beta refuse excludes all.",
        "Enter t with its df instead, or set include = no with a reason.",
    ),
    "MA408": _error(
        "the sign column contradicts the statistic",
        "The statistic carries a sign of its own, and the sign column says the other.",
        "Correct one of them.",
    ),
    "MA409": _warning(
        "an excluded row has no reason",
        "Readers of the review will ask.",
        "Fill in exclusion_reason.",
    ),
    "MA410": _error(
        "a summary row stands among the studies",
        "A row labelled Mean, Total or Total CBT looks like a result computed from the sheet.",
        "Delete it, or set include = no with a reason.",
    ),
    "MA411": _error(
        "the named statistic has no value",
        "The statistic column names a statistic whose column is empty in this row.",
        "Enter its value, in its own column or in value.",
    ),
    "MA412": _error(
        "r lies outside its confidence interval",
        "The reported limits do not contain the reported value.",
        "Check the three numbers in the source.",
    ),
    "MA413": _warning(
        "a conversion rests on an assumption",
        "A value that the conversion needs was not coded, and the usual one was taken.",
        "Code the value to remove the assumption.",
    ),
    "MA415": _error(
        "the sample sizes contradict each other",
        "n differs from the sum of the groups or of the counts.",
        "Correct one of them; delete n where the groups are right.",
    ),
    "MA418": _warning(
        "a row of totals is left out",
        "The file marks the row as totals: a table has it as its totals row, or its formulas take "
        "rows of several studies above together (SUBTOTAL, SUM, AVERAGE, +).",
        "Delete the row, or replace its formulas by values where it is an effect.",
    ),
    "MA419": _warning(
        "a note below the table is left out",
        "The last rows of the sheet hold one text each that begins like a note: Note., Source:, *.",
        "Nothing, if it is a note. Where it is a study, enter its numbers.",
    ),
    "MA431": _warning(
        "a row repeats the rows above",
        "Its n is the sum of the n of all rows above, or of those since the last such row, and its "
        "r lies between theirs: pooled, a total would count every study of it twice.",
        "Delete the row, or set include = no with a reason. Nothing, where it is a study.",
    ),
    "MA432": _warning(
        "a label that may be that of a total",
        "It has a word such as Total, Mean or Overall beside others, or is a letter such as M or "
        "N; the row is used as a study.",
        "Delete the row where it is a total. Nothing, where it is a study.",
    ),
    "MA433": _warning(
        "include has marks of one kind, and blanks",
        "A blank cell means yes; where a team marks only what is in, blank means out. The rows "
        "with a blank cell are used.",
        "Enter no in the rows that are out, or yes in all that are in.",
    ),
    "MA434": _warning(
        "a reason for exclusion in a row that is used",
        "Only include = no leaves a row out.",
        "Enter include = no in these rows, or delete the reason.",
    ),
    "MA435": _warning(
        "another column says that a row is out",
        "A column such as Excluded or eligible marks it, and include does not leave it out.",
        "Enter include = no in these rows, or correct the other column.",
    ),
    "MA414": _warning(
        "the reported p does not fit",
        "The p-value that the statistic implies differs from the reported one by more than "
        "rounding; a one-tailed p, another n or a covariate may explain it.",
        "Check the source.",
    ),
}

_ROW |= {
    "MA416": _error(
        "the scale of yi is not known",
        "An effect that was computed already may be Fisher z, r, d, g or a log odds ratio; "
        "without n nothing tells which, and each gives another correlation.",
        "Say it in the column yi_measure, or once as yi_measure in metaalliance.toml.",
    ),
    "MA417": _error(
        "the variance of yi contradicts Fisher z",
        "The variance of a Fisher z is 1 / (n − 3). Another one belongs to an effect on another "
        "scale, which nobody has named.",
        "Say it in the column yi_measure, or once as yi_measure in metaalliance.toml; z is an "
        "answer too.",
    ),
    "MA420": _error(
        "more degrees of freedom than people",
        "Residual degrees of freedom lie below n. Others count observations of the same people, "
        "or belong to another test.",
        "Correct df or n.",
    ),
    "MA421": _warning(
        "the degrees of freedom do not fit n",
        "They are n − 2 less the covariates; others mean missing values, covariates that are not "
        "coded, or a wrong number.",
        "Check both; code n_predictors where the test has covariates.",
    ),
    "MA422": _warning(
        "an interval too narrow for a ratio of two groups",
        "An odds or risk ratio per point of a scale lies near 1 with a narrow interval; converted "
        "as that of two groups it is a correlation near 0 of thousands of people.",
        "Enter the correlation, or the z statistic with n; or set include = no with a reason.",
    ),
    "MA423": _warning(
        "the standard error or interval does not fit",
        "Its variance is less than half or more than twice the one that is used.",
        "Check se, limits, their level and scale, and n.",
    ),
    "MA424": _warning(
        "the variance of yi does not fit n",
        "On the stated scale so many people give another variance.",
        "Check yi_measure, the variance and n.",
    ),
    "MA425": _warning(
        "yi is taken as Fisher z",
        "Nobody says its scale; its variance is about 1 / (n − 3).",
        "Say it in the column yi_measure, or once as yi_measure in metaalliance.toml.",
    ),
    "MA426": _note(
        "the variance comes from a standard error or an interval",
        "n is not known, so that the sampling error of the report is carried over.",
        "Enter n where the report has it.",
    ),
    "MA427": _note(
        "r and d agree for groups of unequal size",
        "Without the sizes of the groups d is converted as for equal ones, which gives the "
        "largest correlation; r is used.",
        "Enter n1 and n2.",
    ),
    "MA428": _warning(
        "adjusted and zero-order correlations are pooled together",
        "A correlation with other variables held constant answers another question, and is most "
        "often smaller.",
        "Code adjusted_for and test it as a moderator, or pool them apart.",
    ),
    "MA429": _warning(
        "the value is not the middle of its interval",
        "Limits that give the variance should lie symmetrically on their scale; others belong to "
        "another effect, or were resampled.",
        "Check the three numbers in the source.",
    ),
}

_STUDY = {
    "MA550": _warning(
        "the direction of an outcome is not stated",
        "The imported file does not say whether a higher score is better. A single outcome is left "
        "blank; where several could be mixed, the cells say 'decide', which is an error.",
        "Enter higher_better or lower_better, or import again with --direction.",
    ),
    "MA551": _warning(
        "imported effects keep their signs",
        "outcome_direction is blank, so that positive is taken as better alliance, better outcome.",
        "Enter lower_better where a lower score is better and the sign was not turned.",
    ),
    "MA552": _warning(
        "the scale of imported estimates is not stated",
        "An estimate with its standard error can be d, g or a log odds ratio.",
        "Enter the scale in yi_measure.",
    ),
    "MA553": _warning(
        "numbers of a study stand in several analyses",
        "A review repeats the same numbers in other comparisons, outcomes or subgroups; they count "
        "once, the others have include = no.",
        "Enter yes where they are another outcome, or where that analysis is pooled instead.",
    ),
    "MA554": _note(
        "rows of the source are another row seen again",
        "Codings of single reviewers beside a consensus, and comparisons with their arms "
        "exchanged, are no effects of their own; the sheet 'left out' lists them.",
        "Check the sheet 'left out'.",
    ),
    "MA555": _warning(
        "change scores were imported",
        "Their SD is that of the change, so that d is not that of the scores, and their sign "
        "depends on how the change was taken.",
        "Check the sign, or enter include = no.",
    ),
    "MA556": _note(
        "who rated an outcome is not certain",
        "A clinician may be the therapist or an independent observer; outcome_rater is blank.",
        "Enter therapist or observer.",
    ),
    "MA557": _warning(
        "the sign of an imported effect is contradicted",
        "The effect, its direction and the program's own columns do not agree, so that the effect "
        "is left blank.",
        "Enter the effect with its sign.",
    ),
    "MA558": _warning(
        "whether rows share their people is not certain",
        "Subgroups within a study may be different people, and one label may stand for several "
        "reports.",
        "Enter sample where people differ; give one report one label.",
    ),
    "MA559": _note(
        "labels were taken from headers",
        "A wide sheet names its effects in its headers only.",
        "Move them where they name something else than the column says.",
    ),
    "MA560": _warning(
        "a stated direction belongs to no effect",
        "The header of a wide sheet states a direction, but not of which effect; the cells say "
        "'decide', which is an error.",
        "Enter higher_better or lower_better, or import again with --direction.",
    ),
    "MA561": _warning(
        "arms were exchanged so that the control is the second",
        "Comparisons of a database stand from either arm; a control as the first arm would turn "
        "the sign of its row against the others.",
        "Check which arm is group 1.",
    ),
    "MA562": _warning(
        "a correlation may be no effect, or contain the others",
        "Beside the effects a wide sheet holds correlations of two outcomes, or of a total with "
        "the parts it is made of.",
        "Check the sheet 'to decide'; enter include = no where a total repeats its parts.",
    ),
    "MA563": _warning(
        "an interval could not be split",
        "A cell that stands for both confidence limits holds no two numbers, or more than one "
        "pair. It is entered in ci_low as it stands.",
        "Enter the two limits in ci_low and ci_high.",
    ),
    "MA501": _error(
        "an effect stands twice",
        "Two rows agree in every cell, the team's own columns included; pooling both would count "
        "one effect twice.",
        "Delete one, or code what distinguishes them (sample, subscale, outcome). Where a "
        'published file is read as it is, say in metaalliance.toml repeats = "first" (one of each '
        'is used, the others are excluded) or repeats = "all" (each is an effect of its own).',
    ),
    "MA540": _warning(
        "repeated rows are settled by the configuration",
        "Two rows agree in every cell, and repeats in metaalliance.toml says what they are worth: "
        "with first the later one is left out, with all both are effects.",
        "Check that it is right for these rows.",
    ),
    "MA502": _warning(
        "n differs within a sample",
        "Effects of one sample usually share their participants.",
        "Check n; use the sample column for independent samples, or --overlap nested where the "
        "fewer people are among the more.",
    ),
    "MA503": _warning(
        "study labels are nearly alike",
        "Labels that differ in case, blanks or look-alike letters count as different studies; so "
        "does Lee 2018.1 beside Lee 2018, as R counts a row name that stands twice.",
        "Unify them if they are one study.",
    ),
    "MA504": _warning(
        "outcome_direction is blank",
        "The sign is taken as aligned already: positive means better alliance, better outcome.",
        "Fill in outcome_direction, at least where the outcome counts symptoms or dropout.",
    ),
    "MA541": _warning(
        "the alliance direction contradicts the measure",
        "More ruptures, hostility or imbalance is a worse alliance; a blank alliance_direction "
        "means that a higher score is better. A wrong direction turns the sign of the effect.",
        "Enter lower_better; enter higher_better where the score was reversed.",
    ),
    "MA505": _error(
        "nothing is left to pool",
        "Every row is excluded or dropped.",
        "Check the include column and the policy for non-significant results.",
    ),
    "MA506": _warning(
        "a study variable varies within a study",
        "Year, design and the like belong to the study and should be the same in all its rows.",
        "Correct the odd one.",
    ),
    "MA508": _warning(
        "two effects of a study cannot be told apart",
        "They agree in sample, measures, raters, times and all other text, and differ in value or "
        "in a number of the team only.",
        "Code what distinguishes them.",
    ),
    "MA539": _warning(
        "names under study are told apart by their year",
        "The column study holds names without a number, and some stand beside several years, with "
        "other people in each: each name and year is a report of its own.",
        'Where they are one study, say moderators = ["the header of the year"] in '
        "metaalliance.toml; or enter labels.",
    ),
    "MA525": _warning(
        "the rows of several coders stand side by side",
        "A column names the coder, and most effects have a row of each: pooled so, every effect "
        "counts several times.",
        "Keep one coding in the sheet (include = no for the others), or give each coder a file and "
        "compare them with metaalliance agree.",
    ),
    "MA526": _error(
        "coders stand beside their consensus",
        "Rows of both reviewers and of the consensus are one effect, not three.",
        "Use metaalliance import on an export of Covidence, or set include = no in the rows of the "
        "reviewers.",
    ),
    "MA510": _error(
        "the sheets contradict each other",
        "A cell of the effects differs from the cell of its study on the sheet 'studies'.",
        "Correct one of them; a blank cell of the effects takes the value of the study.",
    ),
    "MA511": _error(
        "a study stands twice on the sheet 'studies'",
        "Which of the two rows belongs to its effects is a guess.",
        "Delete one.",
    ),
    "MA512": _note(
        "a study stands on one sheet only",
        "The label is missing on the other sheet, perhaps by a spelling.",
        "Unify the labels if the study is meant to be on both.",
    ),
    "MA513": _warning(
        "samples of two studies may overlap",
        "Two studies share their first author, n and country; the same participants may be "
        "counted twice.",
        "Check the reports; put overlapping samples under one study label.",
    ),
    "MA514": _warning(
        "the direction contradicts the measure",
        "More symptoms, dropout or relapse are worse; more retention, attendance, satisfaction, "
        "functioning, well-being or remission is better. A wrong direction turns the sign of the "
        "effect. The page of the vocabulary says where the direction of a measure was seen.",
        "Correct outcome_direction; keep it where the score is an improvement or was reversed.",
    ),
    "MA515": _warning(
        "a name that reads like a missing value",
        "NA may be a name (of a study, a sample, a country) or a value that is not there; in "
        "columns of names it is kept.",
        "Leave the cell blank if it is missing, or declare the word for this column under missing.",
    ),
    "MA516": _warning(
        "a clinician among the raters of the outcome",
        "A clinician who rates the outcome may be the therapist or an independent assessor; it is "
        "kept as a level of its own.",
        "Enter therapist or observer where the report says which.",
    ),
    "MA517": _warning(
        "an effect whose sign stands alone",
        "Its direction may have been coded the wrong way round, or its sign reversed twice.",
        "Check the sign and the direction of the measure in the source.",
    ),
    "MA529": _warning(
        "several effects look reversed",
        "Their sign is opposite to that of the others. Where coders aligned the sign and entered "
        "lower_better too, it is turned twice.",
        "Check the signs in the sources; leave the direction blank where the sign is aligned.",
    ),
    "MA518": _warning(
        "levels differ in case or spacing only",
        "They count as different levels: only the vocabulary says which are one.",
        "Unify them, or enter them as aliases in the codebook or under [vocabulary].",
    ),
    "MA519": _warning(
        "samples of a study may share participants",
        "Samples are different people: their errors are independent and their participants add up. "
        "Subgroups, completers and intention-to-treat samples share people, and so do samples that "
        "add up to more than the study, and one that holds the others (all, both, CBT+IPT, or as "
        "many people as all others together).",
        "Leave sample blank where participants are shared.",
    ),
    "MA520": _warning(
        "one study holds several reports",
        "Its rows have different authors or years; they count as one study, whose effects are "
        "dependent.",
        "Give each report a study of its own, unless they share their participants.",
    ),
    "MA521": _warning(
        "one author and year in several studies",
        "They count as different studies, with independent effects.",
        "Nothing to do if these are different reports; else give them one study.",
    ),
    "MA522": _note(
        "blank cells were filled from above",
        "fill_down says that a blank cell of a study's rows stands for the value above it.",
        "Check that the rows belong to the study above.",
    ),
    "MA523": _warning(
        "a column counts within reports",
        "Its values 1, 2, 3 start anew in every report, so that they cannot be the study: author "
        "and year, or a column of names, are.",
        "Call the column sample where its values are different people.",
    ),
    "MA524": _warning(
        "a blank year was taken from the other rows of the author",
        "Author and year are the study, and the author has one report.",
        "Enter the year, or another label if this is another report.",
    ),
    "MA527": _warning(
        "a level that reads like a missing value",
        "unknown, no data and the like may be a level or a value that is not there; among words "
        "they are kept.",
        "Leave the cell blank if it is missing, or declare the word for this column under missing.",
    ),
    "MA528": _warning(
        "an identifier differs within one author and year",
        "It has a value of its own in every row, so that it may count effects or reports; rows of "
        "one author and year count as one study.",
        "Call it effect_id if it counts effects, study_id if it counts reports.",
    ),
    "MA530": _error(
        "a conflict is undecided",
        "Coders disagree about a cell and nobody has decided.",
        "Choose a coder or other in the column final of the conflicts workbook.",
    ),
    "MA531": _error(
        "a decision has no such choice",
        "The column final holds the letter of a coder who has the row, or other.",
        "Choose one of the list.",
    ),
    "MA532": _error(
        "a decision for another value has no value",
        "The column final says other and the column value is blank.",
        "Enter the value; NR leaves the cell blank.",
    ),
    "MA533": _error(
        "a decision contradicts the value beside it",
        "A coder's value was chosen, but another value is entered.",
        "Choose other, or empty the column value.",
    ),
    "MA534": _error(
        "a decided value cannot be read", "The variable is a number.", "Enter the number alone."
    ),
    "MA535": _error(
        "a row of one coder is undecided",
        "Only one coder has the row; it is neither kept nor dropped.",
        "Choose keep or drop on the sheet rows.",
    ),
    "MA536": _error(
        "the conflicts workbook was changed",
        "A row or column was deleted or copied.",
        "Restore it, or make the workbook again with metaalliance agree.",
    ),
    "MA538": _note(
        "a column that marks what is left out",
        "It is read as include turned round: yes, 1 or x leaves the row out, no, 0 or a blank cell "
        "keeps it.",
        "Nothing to do if the reading is right; else name the column include.",
    ),
    "MA537": _note(
        "a direction that is unusual for what is measured",
        "The measure is not known. On most symptom scales a higher score is worse, and on most "
        "scales of functioning, well-being or satisfaction better; a wrong direction turns the "
        "sign of the effect.",
        "Correct outcome_direction; keep it where the score is an improvement or was reversed.",
    ),
    "MA509": _warning(
        "different estimands are pooled",
        "Total, within-patient and between-therapist associations answer different questions.",
        "Pool them apart, or say why not.",
    ),
}

_ANALYSIS = {
    "MA400": _error("the sheet has errors", "Nothing is computed from a sheet with errors.", ""),
    "MA600": _error("the analysis is impossible", "See its message.", "See its message."),
    "MA601": _error(
        "the optimum was not reached",
        "The likelihood could not be climbed to its top.",
        "Please report this with the data.",
    ),
    "MA602": _error("no effect is left", "The selection is empty.", "Widen it."),
    "MA603": _error(
        "the assumed correlations are impossible",
        "The sampling covariance that they give is not positive definite.",
        "Choose correlations below 1; effects that share more should correlate more.",
    ),
    "MA604": _error(
        "the levels do not fit the data",
        "A level is missing for an effect, or is not nested in the next.",
        "Complete the column, or use it as a crossed factor.",
    ),
    "MA607": _note(
        "effects without a value enter as intervals",
        "A result that is known only as not significant lies between the critical values of its "
        "test: the likelihood takes the probability of that interval. Heterogeneity is then "
        "estimated by ML and the mean has a profile-likelihood interval; what needs a value for "
        "each effect is not computed.",
        "Report it beside the result without these rows, and say how many they are.",
    ),
    "MA610": _error(
        "the three-level split cannot be estimated",
        "With one effect in every study, variance between and within studies are one number.",
        "Use the two-level model.",
    ),
    "MA611": _error(
        "one study only",
        "Variance between studies needs at least two studies.",
        "Report the study itself, its effects aggregated.",
    ),
    "MA612": _error(
        "dependent effects in a model of independent ones",
        "Treating effects of one study as independent makes intervals too narrow.",
        "Aggregate within studies, use che or three-level, or a cluster-robust test.",
    ),
    "MA613": _warning(
        "a single effect",
        "Heterogeneity and prediction need at least two effects.",
        "Report it as the result of one study.",
    ),
    "MA614": _warning(
        "the effects do not differ",
        "The variance estimated from their spread is zero, and a zero standard error would claim "
        "certainty.",
        "Check for copied rows.",
    ),
    "MA605": _note(
        "samples of a study are independent",
        "Effects of different samples come from different people: their sampling errors are "
        "independent, and only those of one sample are correlated.",
        "Code effects of the same people under one sample.",
    ),
    "MA606": _note(
        "correlations are corrected for unreliability",
        "The setting attenuation divides each r by the root of the reliabilities of its measures, "
        "and carries its variance over; on the scale of Fisher's z by the delta method.",
        "Say so beside the result; the ledger has both correlations of each row.",
    ),
    "MA615": _warning(
        "values of a crossed factor are missing",
        "Effects without a value are taken as one level of the factor.",
        "Complete the column if they are of several kinds.",
    ),
    "MA616": _note(
        "the effects differ less than chance lets them",
        "Q lies below the range that sampling errors alone allow, so that no variance between "
        "studies fits and its interval is empty; [0, 0] is not precision.",
        "Check n and for copied or rounded rows.",
    ),
    "MA617": _note(
        "an interval of Knapp and Hartung narrower than the normal one",
        "Effects that differ by chance less than their sampling errors make its standard error "
        "small.",
        "Read it beside test = knapp-hartung-adhoc, which is never narrower.",
    ),
    "MA620": _warning(
        "few degrees of freedom",
        "Below 4 the Satterthwaite approximation of the cluster-robust test is not reliable.",
        "Say so beside the p-value.",
    ),
    "MA621": _note(
        "few studies",
        "With fewer than 10 studies tau² and the prediction interval are poorly determined.",
        "Read them with their intervals.",
    ),
    "MA622": _warning(
        "extreme differences in precision",
        "A few effects decide the result.",
        "Check n in these rows.",
    ),
    "MA623": _note(
        "effects of a study were averaged",
        "The method takes one effect per study; several were averaged with the stated rho.",
        "Try other values of rho.",
    ),
    "MA624": _error(
        "a reliability is missing or impossible",
        "A correction for unreliability needs reliabilities above 0 and at most 1.",
        "Code it, or state what stands for a missing one; nothing is assumed silently.",
    ),
    "MA625": _error(
        "a corrected or composite correlation reaches 1",
        "Sampling error, a reliability that is too low, or an assumed rho that is too low.",
        "Check the reliabilities or rho; corrected correlations can be kept with measure r.",
    ),
    "MA626": _note(
        "reliabilities were assumed, or are known for some studies only",
        "The correction for unreliability rests on them.",
        "Report it beside the corrected mean.",
    ),
    "MA627": _error(
        "correlations with their n are needed",
        "Psychometric meta-analysis and composites weight correlations by n.",
        "Give n for every effect, or use another method.",
    ),
    "MA628": _error(
        "the correlations of a study are incomplete or contradict each other",
        "Sampling covariances need all correlations between the variables of a study.",
        "Add them, or state what is assumed for missing ones; check signs and names.",
    ),
    "MA630": _note(
        "a comparison model could not be fitted",
        "One of the models beside the main one is impossible with these effects.",
        "See its message.",
    ),
    "MA631": _note(
        "nothing was removed",
        "No effect is an outlier, or no study is influential, by the rule of the comparison table.",
        "The row would repeat the main model.",
    ),
    "MA632": _note(
        "influence was judged with the variance components held",
        "With many studies they are not estimated anew without each of them.",
        "One study among hundreds hardly moves them.",
    ),
    "MA633": _warning(
        "the permutation test cannot be significant",
        "With so few studies even the most extreme pattern of signs is not rare.",
        "Report the interval.",
    ),
    "MA634": _warning(
        "some bootstrap samples were left out",
        "The model could not be estimated in them.",
        "With more than a few of them, do not use the interval.",
    ),
    "MA635": _error(
        "the effects were corrected for unreliability already",
        "Correcting twice would overstate the correlations.",
        "Start from the observed correlations.",
    ),
    "MA636": _warning(
        "a location-scale model at its edge",
        "For some groups the estimated variance is zero, where its logarithm has no finite "
        "maximum: coefficients that rest on them are infinite and have no standard error.",
        "Report their likelihood ratio and the finite end of the profile interval, leave out "
        "moderators of the heterogeneity, or compare separate tau².",
    ),
    "MA637": _warning(
        "a moderator could not be tested",
        "Its model is impossible with these effects; the other moderators were tested.",
        "See its message.",
    ),
    "MA638": _warning(
        "predictions outside the data",
        "A value lies beyond those of the effects, or a combination of levels does not occur.",
        "Read such predictions as extrapolation, or not at all.",
    ),
    "MA640": _error(
        "no rows could be matched",
        "No study label stands in the sheets of two coders.",
        "Check that the right files were given; unify the labels; see the suggestion.",
    ),
    "MA641": _error(
        "a coefficient cannot be estimated",
        "The columns of the design are collinear, or there are as many as effects.",
        "Leave out a moderator, or merge levels.",
    ),
    "MA642": _warning(
        "one study determines a coefficient",
        "A study whose effects a coefficient fits exactly has no error from which a robust "
        "variance could learn: standard errors that rest on it are not defined.",
        "Merge its level with another, or leave it out of the comparison.",
    ),
    "MA643": _warning(
        "one study dominates",
        "More than half of the weight lies in one study; cluster-robust tests assume many "
        "studies of comparable weight.",
        "Report the result without this study beside it.",
    ),
    "MA644": _note(
        "a moderator is missing for some effects",
        "Effects without a value cannot take part in its test; they are counted and left out.",
        "Complete the column; --common-set tests all moderators on the same effects.",
    ),
    "MA645": _note(
        "a level with too few studies",
        "A mean of one or two studies has no usable standard error; the level is listed with its "
        "counts, without an estimate, and kept out of the test.",
        "Merge it with another level, or change --min-studies.",
    ),
    "MA646": _error(
        "a column cannot be used as this moderator",
        "Levels need text, slopes need numbers, and both need values that differ.",
        "See its message.",
    ),
    "MA647": _warning(
        "two moderators are confounded",
        "Their levels occur together so often that a difference by one may be a difference by the "
        "other.",
        "Read the cross-table; test both in one formula.",
    ),
    "MA648": _warning(
        "a part of an interaction was left out",
        "Some combination of levels does not occur, so that its coefficient cannot be estimated.",
        "Merge levels; no prediction is made for such combinations.",
    ),
    "MA649": _error(
        "a formula is not accepted",
        "Formulas hold columns, numbers, + - : * and a few named functions; nothing is executed.",
        "Names with blanks stand in backticks.",
    ),
    "MA650": _warning(
        "few studies for a judgement on publication bias",
        "With fewer than 10 studies tests for bias have next to no power, and adjusted means "
        "next to no precision.",
        "Read them as description; a result without a sign of bias is no reassurance.",
    ),
    "MA651": _error(
        "too few studies for a method on publication bias",
        "The method estimates more than these studies can tell.",
        "Leave it out; fewer steps or moderators need fewer studies.",
    ),
    "MA652": _error(
        "all studies are of one size",
        "Regression and rank tests compare small with large studies.",
        "Use a selection model, which needs no differences in size.",
    ),
    "MA653": _error(
        "an interval of p-values holds no effect",
        "Nothing tells how likely such results are to be seen, and an estimate would be absurd.",
        "Choose steps whose intervals all hold effects, or state the weights.",
    ),
    "MA654": _error(
        "the effects do not determine the adjusted mean",
        "The likelihood rises without end, or its maximum lies far outside all effects.",
        "Report that the method could not be used, and use others.",
    ),
    "MA655": _note(
        "direction of selection",
        "Selection is taken to favour results in the direction of the pooled estimate.",
        "Set alternative to state another direction.",
    ),
    "MA656": _warning(
        "few effects in an interval of p-values",
        "With fewer than 4 effects in an interval its weight, and the adjusted mean with it, "
        "rest on these few.",
        "Use fewer steps, or read it as a sensitivity analysis.",
    ),
    "MA657": _note(
        "a method on publication bias was left out",
        "It cannot be applied to these effects.",
        "See its message.",
    ),
    "MA658": _warning(
        "a selection model that the effects hardly determine",
        "A weight next to zero or far above one lies where the likelihood is nearly flat; or the "
        "likelihood has two maxima of nearly the same height with different means.",
        "Do not rely on the adjusted mean.",
    ),
    "MA659": _note(
        "cluster-robust errors of a selection model",
        "With several effects in a study the likelihood is a composite one: estimates stay, "
        "errors come from a sandwich by study, and a Wald test stands for the likelihood ratio.",
        "Nothing; it is stated in the result.",
    ),
    "MA660": _error(
        "nothing can be left out",
        "A single study or effect is all there is.",
        "Use another unit, or no influence analysis.",
    ),
    "MA661": _note(
        "what stands for the size of studies in methods on publication bias",
        "Where the sampling variance of an effect depends on the effect itself (on the scale of r; "
        "on Fisher z by the delta method, as beside rank correlations), it would be related to the "
        "effects without any bias: regressions take the effective n, other methods run on Fisher "
        "z.",
        "Nothing; it is stated in the result.",
    ),
    "MA662": _warning(
        "the model cannot be fitted to some subsets",
        "Without a study, or in a subset, a variance or a coefficient is not identified.",
        "Read the reason in the table; the result rests on that study.",
    ),
    "MA663": _warning(
        "studies left out of the cumulative analysis",
        "They have no value by which they could be ordered.",
        "Complete the column.",
    ),
    "MA664": _warning(
        "the verdict turns on one study",
        "With and without it the interval of the mean includes zero or does not.",
        "Report both.",
    ),
    "MA665": _error(
        "no specification could be estimated",
        "Every combination of the declared decisions is impossible, or failed.",
        "See its message; start with fewer decisions.",
    ),
    "MA666": _error(
        "a plan has too few effects",
        "The planned studies cannot estimate the coefficients and a variance.",
        "Plan more studies.",
    ),
    "MA667": _error(
        "a wanted precision cannot be planned",
        "Even a very large number of studies does not give an interval so narrow.",
        "Allow a wider interval.",
    ),
    "MA668": _error(
        "no simulated review could be fitted",
        "The planned model fails on every review that was drawn.",
        "See its message; plan more studies or another model.",
    ),
    "MA669": _warning(
        "the mean lies outside its effects",
        "A mean below that of the lowest effect of each study, or above that of the highest, is "
        "made by weights, above all by negative ones.",
        "Compare --overlap nested, a smaller --rho, and the averaged effects.",
    ),
    "MA670": _note(
        "the likelihood has a second maximum",
        "The likelihood of the variance components of few studies can have several maxima. The "
        "highest is the estimate; another nearly as high says that the effects hardly tell the "
        "two apart.",
        "Report the interval, and the result without the study that makes the second one.",
    ),
    "MA671": _note(
        "the interval of tau² leaves out its estimate",
        "The Q-profile interval comes from the distribution of Q, the estimate from another "
        "principle, such as the likelihood. Where few studies contradict each other they can "
        "part.",
        "Report both.",
    ),
    "MA672": _warning(
        "a row of the comparison keeps fewer than half of the studies",
        "Removing most studies leaves another review, not the same one without a few.",
        "Name the studies that were removed beside the row.",
    ),
    "MA673": _warning(
        "effects have negative weights",
        "Where effects of one sample have very different variances, a large assumed correlation of "
        "their errors makes the less precise one count against the mean: rho is above the root of "
        "the smaller n over the larger, more than a group within another can share.",
        "Use --overlap nested, a smaller --rho, or the sample column for other people.",
    ),
    "MA675": _error(
        "a style has no such key or value",
        "A style is a table in metaalliance.toml; its keys are those of the styles apa, revman, "
        "jama and bmj.",
        "See docs/results/figures.md for every key, or leave it out to keep that of the base "
        "style.",
    ),
    "MA676": _note(
        "a label has characters of another font",
        "The fonts of a journal figure lack some characters of the labels. They are drawn in "
        "another installed font, or as white squares where no font has them.",
        "Look at the figure. For squares install a font with these characters, such as Noto Sans "
        "CJK.",
    ),
    "MA677": _error(
        "there is no such figure",
        "The kind of figure does not exist, or these effects do not have what it shows.",
        "metaalliance plot --help lists the kinds.",
    ),
    "MA678": _error(
        "the columns do not fit the page",
        "A forest plot keeps a quarter of its width for the plot itself. Beside published results "
        "no name is cut, because its end tells rows apart.",
        "Choose fewer columns or a greater --width.",
    ),
    "MA679": _error(
        "this figure cannot be interactive",
        "Only the forest plot has an interactive page.",
        "Leave out --interactive, or use metaalliance forest.",
    ),
    "MA680": _error(
        "a record that cannot be verified",
        "The file is missing, is no record of this tool, or is of a command whose numbers it does "
        "not hold.",
        "Give the run.json of pool or report, or the run_<command>.json of moderators, influence, "
        "bias, multiverse or compare.",
    ),
    "MA681": _error(
        "no such moderator",
        "A report was asked for a moderator that the effects do not have.",
        "See metaalliance convert for the columns; an unknown column is a moderator when it is "
        "named in the configuration.",
    ),
    "MA682": _note(
        "the numbers of the flow of studies do not add up",
        "Records, reports and studies in [prisma] of the configuration contradict each other or "
        "the sheet.",
        "Correct them before the diagram is printed.",
    ),
    "MA683": _error(
        "the analysis cannot be written as a script",
        "A script of R repeats the analysis with metafor, which does not have this estimator.",
        "See the message; choose another estimator.",
    ),
    "MA684": _note(
        "a figure was not drawn",
        "These data do not have what the figure shows: too few studies, or no estimate.",
        "Nothing has to be done; the tables are complete.",
    ),
    "MA689": _error(
        "the local page cannot be opened",
        "Another program uses the port of metaalliance serve, or this user may not use it.",
        "Choose another with --port, or leave it out: a free one is taken.",
    ),
    "MA690": _error("an option has no such value", "See its message.", "See --help."),
    "MA691": _error(
        "a file would be overwritten",
        "The output folder holds a file of that name which this tool did not write, or which was "
        "changed since: its digest is not that of the record.",
        "Choose another folder with -o, or use --force, which replaces or removes it.",
    ),
    "MA692": _error(
        "the output cannot be written",
        "The folder is read-only, the disk is full, a file is open in another program, or standard "
        "output is closed.",
        "Choose another folder with -o. Files of an earlier run are as they were.",
    ),
    "MA693": _error(
        "interrupted",
        "Ctrl-C was pressed. A set of results that was not complete is not there; one that was "
        "complete is.",
        "Run the command again.",
    ),
    "MA699": _error(
        "an internal error",
        "This is a fault of metaalliance, not of the data.",
        "Please report it with the output of --debug.",
    ),
}

MESSAGES: dict[str, Message] = {**_FILE, **_SHEET, **_CELL, **_ROW, **_STUDY, **_ANALYSIS}


def severity_of(code: str) -> Literal["error", "warning", "note"]:
    """Return the severity of a code."""
    return MESSAGES[code].severity
